"""One full book for every test of a module, held by the schema's owner and rolled back."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from pytest_django.plugin import DjangoDbBlocker

from merchants.models import Credential, EnrolmentGuess, OwnNumber, Store
from merchants.services import enrol_terminal, issue_credential
from merchants.services.terminals import make_code
from tests.support import cast, claims, draft_rows
from tests.support.books import TODAY, as_owner, healthy_book
from tests.support.cast import DAY, NOON
from tests.support.risk import rule, with_rules
from tests.support.till import answer_to, order, refusal_of, till_of
from tests.support.violations.constraints import again
from vouchers.models import (
    AuditReport,
    Campaign,
    Collection,
    CollectionLine,
    Exclusion,
    Geofence,
    Hold,
    Link,
    OrderClaim,
    Outbox,
    Paper,
    Presentation,
    PreviewCount,
    Proposal,
    ProposalDecision,
    ProposalSignature,
    Redemption,
    Refund,
    RefundPart,
    RequestArchive,
    Resident,
    ResidentMerge,
    SandboxClock,
    Seal,
    Settlement,
    SettlementLine,
    StandingChange,
    Voucher,
    WebhookDelivery,
    WebhookEndpoint,
)
from vouchers.services.audience.snapshots import build_snapshot
from vouchers.services.limits.back_tests import request_back_test
from vouchers.services.limits.cases import gather_signals
from vouchers.states import (
    AccountKind,
    LimitKind,
    ProposalKind,
    RefundPolicy,
    RiskKind,
    RiskSetting,
)


@pytest.fixture(scope="module")
def full_book(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A running campaign with everything in it, and a draft; a row in every table."""
    with django_db_blocker.unblock(), as_owner(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT huimin_open_month(%s)", [NOON.date()])
            healthy_book()
            _draft()
            _claim()
            _rare_rows()
            _late_refund()
            _proposals()
            # Whatever waits for a commit speaks now: tables with events pending cannot be altered.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        yield
        transaction.set_rollback(True)


@pytest.fixture
def book(full_book: None) -> Iterator[None]:
    """The full book; what a test does to it is undone."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


CORNERS = [[121.4, 31.2], [121.5, 31.2], [121.5, 31.3], [121.4, 31.2]]


def _draft() -> None:
    draft = cast.spring_campaign(code="draft", starts_at=NOON, ends_at=NOON + 9 * DAY)
    by, at = cast.mei(), NOON
    draft_rows.add(
        "rounds", campaign=draft, number=1, opens_at=NOON, closes_at=NOON + DAY, by=by, at=at
    )
    draft_rows.add(
        "geofences",
        campaign=draft,
        kind="include_polygon",
        geometry={"type": "Polygon", "coordinates": [CORNERS]},
        by=by,
        at=at,
    )
    draft_rows.add(
        "geofences", campaign=draft, kind="within_street", street=cast.street(CORNERS), by=by, at=at
    )
    assert draft.limits.filter(kind=LimitKind.RESIDENT_DAY).exists()
    assert Geofence.objects.filter(campaign=draft).exists()


def _claim() -> None:
    """One voucher of another campaign, claimed by someone who has no other."""
    (claimant,) = claims.neighbours(1)
    status, body = claims.verdict(claims.asking(claimant, claims.grab()))
    assert status == 201, body


def _rare_rows() -> None:
    """Rows of tables that a quiet day leaves empty."""
    alice, carol = cast.alice(), cast.carol()
    redemption = Redemption.objects.latest("id")
    neighbour = Resident.objects.get(external_id="neighbour-2")
    # Notices the order that follows, and says so only.
    looked_at = rule(RiskKind.TERMINAL_MINUTE, setting=RiskSetting.SHADOW, orders=1)
    at_noon = rule(RiskKind.NIGHT_HOURS, setting=RiskSetting.SHADOW, from_hour=12, to_hour=13)
    with_rules(redemption.campaign, looked_at, at_noon)
    held = _use(Voucher.objects.filter(resident=neighbour).latest("id"), cast.nanjing_road())
    OrderClaim.objects.create(store=cast.nanjing_road(), order_no="REVERSED", claimed_at=NOON)
    _authorise(Voucher.objects.filter(resident__external_id="neighbour-4").latest("id"))
    assert refusal_of(order("8" * 20, cast.nanjing_road(), alice)) == "voucher_not_usable"
    with connection.cursor() as cursor:
        cursor.execute(again("vouchers_signal", setting="'live'"))
    assert gather_signals(at=NOON) == 1
    seen = {"terms_sha256": bytes(32), "targeted": 20, "examined": 40}
    PreviewCount.objects.create(campaign=redemption.campaign, by=cast.mei(), at=NOON, **seen)
    StandingChange.objects.create(resident=cast.alice(), state="active", by=cast.ren(), at=NOON)
    request_back_test(
        campaign=redemption.campaign,
        rule=looked_at,
        first_day=TODAY,
        last_day=TODAY,
        by=cast.mei(),
        at=NOON,
    )
    Hold.objects.create(
        redemption=held,
        voucher_id=held.voucher_id,
        reason="look",
        opened_by="rosa",
        opened_at=NOON,
    )
    shown = {"voucher_id": held.voucher_id, "caller_id": 1}
    for redemption_id in (held.pk, None):
        Presentation.objects.create(
            shown_by=neighbour,
            presented_at=held.redeemed_at,
            expires_at=held.redeemed_at + timedelta(seconds=60),
            redemption_id=redemption_id,
            **shown,
        )
    Paper.objects.create(holder=neighbour, digits_hmac=bytes(32), issued_at=NOON, **shown)
    year_2020 = datetime(2020, 1, 1, tzinfo=UTC)
    RequestArchive.objects.create(
        name="old", before_at=year_2020, row_count=0, sha256=bytes(32), archived_at=NOON
    )
    Outbox.objects.create(topic="anchor", key="k", payload={"to": "auditor"}, created_at=NOON)
    endpoint = WebhookEndpoint.objects.create(
        merchant=cast.huilian(),
        url="https://pos.example/hook",
        events=["campaign.changed"],
        created_at=NOON,
    )
    message = Outbox.objects.create(
        topic="campaign.changed", key="e", endpoint=endpoint, payload={}, created_at=NOON
    )
    WebhookDelivery.objects.create(message=message, at=NOON, status=500, took_ms=1)
    Seal.objects.create(
        cell="main",
        campaign=redemption.campaign,
        number=1,
        from_xid=0,
        until_xid=1,
        transfer_count=0,
        previous_sha256=bytes(32),
        sha256=bytes(32),
        sealed_at=NOON,
    )
    AuditReport.objects.create(started_at=NOON, took_s=0.1, is_proven=True, report={})
    Exclusion.objects.create(resident=alice, reason="staff", created_by="ren", created_at=NOON)
    ResidentMerge.objects.create(
        kept=alice, member=carol, reason="twice", merged_by="rosa", merged_at=NOON
    )
    Link.objects.create(
        resident=alice,
        bucket=alice.bucket,
        kind=Link.Kind.DEVICE,
        value_hmac=bytes(32),
        first_seen_at=NOON,
        last_seen_at=NOON,
    )
    till = enrol_terminal(store=cast.nanjing_road(), code="T1")
    credential, _key = issue_credential(
        name="till",
        kind=Credential.Kind.TERMINAL,
        scopes=["redeem"],
        terminal=till,
        at=NOON,
        expires_at=NOON + timedelta(days=365),
    )
    make_code(terminal=till, scopes=["redeem"], valid_s=3600, at=NOON)
    EnrolmentGuess.objects.create(address="127.0.0.1", hour_at=NOON, wrong=1)
    OwnNumber.objects.create(credential=credential, store_no="1", store=till.store)
    build_snapshot(at=NOON)
    SandboxClock.objects.create(
        campaign=cast.running_campaign(code="sandbox", is_test=True),
        ahead=DAY,
        moved_by="mei",
        moved_at=NOON,
    )


def _use(voucher: Voucher, store: Store) -> Redemption:
    status, body = answer_to(order(voucher, store, voucher.resident, at=NOON + DAY))
    assert status == 201, body
    return Redemption.objects.get(pk=body["id"])


def _authorise(voucher: Voucher) -> None:
    statement = again(
        "vouchers_redemption",
        "state = 2",
        state="1",
        voucher_id=f"{voucher.pk}",
        order_no="'authorised'",
        authorised_fen="discount_fen",
        expires_at="redeemed_at + interval '15 minutes'",
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _late_refund() -> None:
    """Half of a settled order went back: of the city's 600 fen the next settlement keeps back 500,
    and 100 were collected."""
    of = Redemption.objects.filter(state=2, lines__isnull=False).earliest("id")
    city, group = of.campaign.sources.order_by("code")
    refund = Refund.objects.create(
        redemption=of,
        voucher_id=of.voucher_id,
        merchant=of.merchant,
        store=of.store,
        refund_no="R1",
        amount_fen=(of.order_amount_fen - of.discount_fen) // 2,
        clawback_fen=1_000,
        policy=RefundPolicy.PRO_RATA,
        gives_voucher_back=False,
        caller_id=till_of(of.store).credential_id,
        business_day=TODAY,
        refunded_at=NOON + DAY,
    )
    owed = {"refund": refund, "target": AccountKind.RECOVERABLE}
    RefundPart.objects.create(source=city, amount_fen=600, origin=AccountKind.SETTLED, **owed)
    RefundPart.objects.create(source=group, amount_fen=400, origin=AccountKind.PAYABLE, **owed)
    collection = Collection.objects.create(
        campaign=of.campaign,
        merchant=of.merchant,
        source=city,
        amount_fen=100,
        document_no="C-1",
        request_id="collection",
        recorded_by="rosa",
        received_at=NOON + DAY,
    )
    CollectionLine.objects.create(collection=collection, refund=refund, source=city, amount_fen=100)
    neighbour = Resident.objects.get(external_id="neighbour-3")
    used = _use(Voucher.objects.filter(resident=neighbour).earliest("id"), of.store)
    line = {"source": city, "settlement": _next_settlement(of, total_fen=1_200 - 500)}
    own = {"redemption": used, "voucher_id": used.voucher_id}
    SettlementLine.objects.create(kind="redemption", amount_fen=1_200, **own, **line)
    late = {"redemption": of, "voucher_id": of.voucher_id, "refund_id": refund.pk}
    SettlementLine.objects.create(kind="refund", amount_fen=-500, **late, **line)


def _next_settlement(of: Redemption, *, total_fen: int) -> Settlement:
    return Settlement.objects.create(
        campaign=of.campaign,
        merchant=of.merchant,
        source=of.campaign.sources.get(code="city"),
        business_day=TODAY + DAY,
        line_count=2,
        total_fen=total_fen,
        content=b"",
        sha256=hashlib.sha256(b"").digest(),
        closed_at=NOON + 2 * DAY,
    )


def _proposals() -> None:
    """One that was approved, one that was rejected, and one not decided on."""
    campaign = Campaign.objects.get(code="spring-2026")
    for name in ("approved", "rejected", "undecided"):
        proposal = Proposal.objects.create(
            campaign=campaign,
            kind=ProposalKind.REPAYMENT,
            document={},
            sha256=bytes(32),
            why="left over",
            request_id=name,
            proposed_by=cast.mei(),
            proposed_at=NOON,
        )
        if name == "undecided":
            ProposalSignature.objects.create(
                proposal=proposal,
                signed_by=cast.member("xu", "approver"),
                seen_sha256=proposal.sha256,
                signed_at=NOON,
            )
        else:
            ProposalDecision.objects.create(
                proposal=proposal,
                decided_by=cast.li(),
                decision=name,
                seen_sha256=proposal.sha256,
                decided_at=NOON,
            )
