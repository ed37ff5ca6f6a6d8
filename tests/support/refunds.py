"""Refunds for the tests: a till that pays shoppers back, and what must hold of the books then."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from itertools import count
from typing import Any

import msgspec
from django.db.models import Sum

from merchants.auth import Caller
from merchants.models import Store
from tests.support import cast
from tests.support.cast import NOON
from tests.support.concurrency.invariants import assert_proven
from tests.support.till import PATH, answer_to, decoded, issue_vouchers, order, till_of
from vouchers.http.answers import render
from vouchers.http.redemption import refund_request
from vouchers.models import (
    Campaign,
    CollectionLine,
    Hold,
    LimitCounter,
    QuotaBucket,
    Redemption,
    RefundPart,
    Settlement,
    SettlementLine,
    Tranche,
    Voucher,
)
from vouchers.queries.ledger.balances import balances, identity_rows
from vouchers.services.acts import Answer
from vouchers.services.ledger import funding
from vouchers.services.redemption import refund
from vouchers.services.settlement.days import pay, settle_day
from vouchers.states import (
    AccountKind,
    LimitKind,
    RedemptionState,
    RefundPolicy,
    SettlementState,
    VoucherState,
)

ORDER_FEN = 100_000
DISCOUNT_FEN = 5_000
PAID_FEN = ORDER_FEN - DISCOUNT_FEN
"""An order of ¥1,000 with 满200减50; of the ¥50 the city pays ¥30 and the group ¥20."""

BUDGET_FEN = 500_000_000
LIVE = (RedemptionState.AUTHORISED, RedemptionState.CAPTURED)
_numbers = count(1)


def campaign_with(policy: RefundPolicy, **options: Any) -> Campaign:
    """The spring campaign, funded 60 to 40, launched with this policy of refunds."""
    draft = cast.spring_campaign(funding=cast.CO_FUNDED, **options)
    Campaign.objects.filter(pk=draft.pk).update(refund_policy=policy.value)
    draft.refresh_from_db()
    return cast.launched(draft)


def bought(
    campaign: Campaign,
    *,
    store: Store | None = None,
    who: str = "alice",
    tier: str = "off50",
    at: datetime = NOON,
    amount_fen: int = ORDER_FEN,
    valid_until_at: datetime | None = None,
) -> Redemption:
    """A voucher handed out and used on an order."""
    resident = cast.resident(who)
    (voucher,) = issue_vouchers(
        campaign, [resident], tier=tier, at=at, valid_until_at=valid_until_at
    )
    place = store or cast.nanjing_road()
    status, body = answer_to(order(voucher, place, resident, amount_fen=amount_fen, at=at))
    assert status == 201, body
    return Redemption.objects.get(pk=body["id"])


def refunded(
    redemption: Redemption,
    amount_fen: int = PAID_FEN,
    *,
    store: Store | None = None,
    caller: Caller | None = None,
    at: datetime = NOON,
    key: str | None = None,
    refund_no: str | None = None,
) -> Answer:
    """The answer to refunding so much, in the store of the redemption unless another is named."""
    number = next(_numbers)
    place = store or redemption.store
    number_text = refund_no or f"R{number}"
    body = {"store": place.external_id, "amount_fen": amount_fen, "refund_no": number_text}
    return refund(
        request=refund_request(
            caller=caller or till_of(place),
            key=key or f"refund-{number}",
            path=f"{PATH}/{redemption.pk}/refunds",
            body=msgspec.json.encode(body),
            at=at,
            redemption_id=redemption.pk,
        ),
        render=render,
    )


def refund_of(redemption: Redemption, amount_fen: int = PAID_FEN, **options: Any) -> dict[str, Any]:
    """The body of a refund that must succeed."""
    status, body = decoded(refunded(redemption, amount_fen, **options))
    assert status == 200, body
    return body


def send_cash(campaign: Campaign, fen: int = 10_000_000) -> None:
    """Every source sends so much."""
    for source in campaign.sources.all():
        funding.receive_cash(
            source=source,
            amount_fen=fen,
            document_no="C-1",
            request_id=f"{source.pk}-{next(_numbers)}",
            by=cast.mei(),
            at=NOON,
        )


def settled(campaign: Campaign, day: date, at: datetime, *, is_paid: bool) -> list[Settlement]:
    """The day's settlements, paid out if asked for."""
    settlements = settle_day(campaign=campaign, business_day=day, at=at)
    for settlement in settlements if is_paid else ():
        assert pay(settlement=settlement, at=at)
    return settlements


def fens(campaign: Campaign, kind: AccountKind) -> dict[str, int]:
    """By source code what is in an account of this kind."""
    return {source: by_kind[kind] for source, by_kind in balances(campaign.pk).items()}


def total_fen(campaign: Campaign, kind: AccountKind) -> int:
    """The same, of all sources together."""
    return sum(fens(campaign, kind).values())


# What must hold of the books


def assert_ties(campaign: Campaign) -> None:
    """Accounts, counters and quotas say what the rows of redemptions, refunds, settlements and
    collections say; nothing is negative and nothing is missing; and the audit agrees."""
    for row in identity_rows(campaign.pk):
        assert row.off_fen == 0, row
        assert min(row.parts_fen.values()) >= 0, row
    for source in campaign.sources.all():
        found = {AccountKind(kind): fen for kind, fen in balances(campaign.pk)[source.code].items()}
        expected = _expected(campaign, source.pk)
        assert {kind: found[kind] for kind in expected} == expected, source.code
        _assert_headroom_is_free(campaign, source.pk, found[AccountKind.FREE])
    _assert_places(campaign)
    _assert_counters(campaign)
    assert_proven()


def _expected(campaign: Campaign, source_id: int) -> dict[AccountKind, int]:
    redemptions = Redemption.objects.filter(campaign=campaign)
    spent = redemptions.filter(state__in=[RedemptionState.CAPTURED, RedemptionState.REFUNDED])
    parts = RefundPart.objects.filter(refund__redemption__campaign=campaign, source_id=source_id)
    lines = SettlementLine.objects.filter(settlement__campaign=campaign, source_id=source_id)
    paid = lines.filter(settlement__state=SettlementState.PAID)
    paid_ids = set(paid.filter(kind="redemption").values_list("redemption_id", flat=True))
    # What became a debt while its line waited for cash was paid with the line.
    moved = parts.filter(origin="payable", target="recoverable", refund__redemption_id__in=paid_ids)
    before_fen = _fen(parts.exclude(origin="settled")) - _fen(moved)
    held = Hold.objects.filter(redemption__campaign=campaign, released_at=None)
    held_ids = list(held.values_list("redemption_id", flat=True))
    held_fen = _share(redemptions.filter(pk__in=held_ids), source_id) - _fen(
        parts.filter(refund__redemption_id__in=held_ids)
    )
    owed_fen = _share(spent, source_id) - _fen(paid.filter(kind="redemption")) - before_fen
    netted_fen = -_fen(paid.filter(kind="refund"))
    collected = CollectionLine.objects.filter(collection__campaign=campaign, source_id=source_id)
    return {
        AccountKind.PAYABLE: owed_fen - held_fen,
        AccountKind.RISK_HELD: held_fen,
        AccountKind.RECOVERABLE: _fen(parts.filter(target="recoverable"))
        - netted_fen
        - _fen(collected),
        AccountKind.SETTLED: _fen(paid.filter(kind="redemption"))
        - _fen(parts.filter(origin="settled"))
        - _fen(moved),
        AccountKind.OUTSTANDING: _outstanding(campaign, source_id),
        AccountKind.AUTHORISED: _share(
            redemptions.filter(state=RedemptionState.AUTHORISED), source_id
        ),
    }


def _fen(rows: Any) -> int:
    return int(rows.aggregate(fen=Sum("amount_fen"))["fen"] or 0)


def _share(redemptions: Iterable[Redemption], source_id: int) -> int:
    return sum(dict(redemption.split).get(source_id, 0) for redemption in redemptions)


def _outstanding(campaign: Campaign, source_id: int) -> int:
    """Faces of issued vouchers, and what live redemptions left of theirs, in live tranches."""
    total_fen = 0
    for tranche in Tranche.objects.filter(campaign=campaign, state="outstanding"):
        first_id = tranche.pk << 20
        in_tranche = {"gte": first_id, "lt": (tranche.pk + 1) << 20}
        vouchers = Voucher.objects.filter(
            pk__gte=in_tranche["gte"], pk__lt=in_tranche["lt"], state=VoucherState.ISSUED
        )
        live = Redemption.objects.filter(
            voucher_id__gte=in_tranche["gte"], voucher_id__lt=in_tranche["lt"], state__in=LIVE
        )
        face_fen = dict(tranche.split).get(source_id, 0)
        total_fen += face_fen * (vouchers.count() + live.count()) - _share(live, source_id)
    return total_fen


def _assert_headroom_is_free(campaign: Campaign, source_id: int, free_fen: int) -> None:
    """A source's own cell lets through exactly what is free."""
    own = QuotaBucket.objects.filter(
        cell__campaign=campaign, cell__source_id=source_id, cell__tier=None
    )
    assert own.aggregate(fen=Sum("headroom_fen"))["fen"] == free_fen


def _assert_places(campaign: Campaign) -> None:
    """A capped tier has room for all but the vouchers that are neither lost nor expired unused."""
    for cell in campaign.cells.exclude(tier=None).exclude(cap_count=None):
        counted = 0
        for tranche in Tranche.objects.filter(campaign=campaign, tier=cell.tier):
            vouchers = Voucher.objects.filter(
                pk__gte=tranche.pk << 20, pk__lt=(tranche.pk + 1) << 20
            ).exclude(state=VoucherState.WITHDRAWN)
            if tranche.state == "expired":
                vouchers = vouchers.exclude(state=VoucherState.ISSUED)
            counted += vouchers.count()
        left = cell.buckets.aggregate(count=Sum("headroom_count"))["count"]
        assert (cell.cap_count or 0) - left == counted


def _assert_counters(campaign: Campaign) -> None:
    """The counters of a kind hold the live redemptions and what is left of their discounts."""
    live = Redemption.objects.filter(campaign=campaign, state__in=LIVE)
    clawed_fen = _fen(RefundPart.objects.filter(refund__redemption__in=live))
    left_fen = sum(redemption.discount_fen for redemption in live) - clawed_fen
    used: Counter[str] = Counter()
    for counter in LimitCounter.objects.filter(
        campaign=campaign, kind=LimitKind.RESIDENT_CAMPAIGN.value
    ):
        used.update(count=counter.used_count, fen=counter.used_fen)
    if campaign.limits.filter(kind=LimitKind.RESIDENT_CAMPAIGN.value).exists():
        assert (used["count"], used["fen"]) == (live.count(), left_fen)
