"""A campaign with something on every page, and people of every role to look at it."""

import logging
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from merchants.models import Credential
from merchants.services.credentials import issue_credential
from merchants.services.enrolment import enrol_terminal
from tests.support import cast, presenting, till
from tests.support.addresses import Address, addresses_of_the_admin
from tests.support.risk import rule, with_rules
from vouchers.models import (
    AuditReport,
    Campaign,
    Exclusion,
    Link,
    Outbox,
    Redemption,
    Resident,
    Seal,
    Signal,
)
from vouchers.services import residents
from vouchers.services.audience import targeting
from vouchers.services.campaigns import proposals
from vouchers.services.issuing import leases, minting, runs
from vouchers.services.ledger import funding
from vouchers.services.limits import back_tests, cases
from vouchers.services.proofs import seals
from vouchers.services.redemption import holds
from vouchers.services.settlement import collection, days
from vouchers.services.webhooks import endpoints
from vouchers.states import RiskKind, RiskSetting


def distribute(campaign: Campaign) -> None:
    """One run, by hand instead of by a worker."""
    now = timezone.now()
    runs.request_run(campaign=campaign, seed="s", by=cast.mei(), at=now)
    while run := leases.lease_run(at=now, lease_s=60):
        phase = runs.reserve_run if run.state == "targeted" else targeting.target_run
        phase(run_id=run.run_id, fence=run.fence, at=now)
    while shard := leases.lease_shard(at=now, lease_s=60):
        minting.mint_shard(shard_id=shard.shard_id, fence=shard.fence, at=now)


@pytest.fixture
def town(standing_town: Campaign) -> Campaign:
    """The spring campaign at work today."""
    return Campaign.objects.get(pk=standing_town.pk)


@pytest.fixture(scope="module")
def standing_town(rows_of_module: None) -> Campaign:
    """The spring campaign at work today."""
    return at_work(draft_of_today())


def draft_of_today() -> Campaign:
    """A draft that began yesterday, a street, and a till."""
    now = timezone.now()
    draft = cast.spring_campaign(
        starts_at=now - cast.DAY, ends_at=now + 30 * cast.DAY, funding=cast.CO_FUNDED
    )
    # Around every store and everyone.
    cast.street([(121.4, 31.1), (121.5, 31.1), (121.5, 31.3), (121.4, 31.3), (121.4, 31.1)])
    enrol_terminal(store=cast.nanjing_road(), code="T1")
    return draft


def at_work(draft: Campaign, *, mark: str = "") -> Campaign:
    """The draft launched, distributed, redeemed, refused, settled, sealed; what people write in it
    ends in a mark."""
    now = timezone.now()
    people = [cast.alice(), cast.bob(), cast.carol(), cast.dan()]
    Resident.objects.update(street="外滩")
    campaign = cast.launched(draft, at=now)
    distribute(campaign)
    mall, alice = cast.nanjing_road(), people[0]
    first, second, third = till.issue_vouchers(campaign, [alice] * 3, at=now)
    status, _ = till.answer_to(till.order(first, mall, alice, at=now))
    assert status == 201
    till.refusal_of(till.order(second, cast.rival_shop(), alice, at=now))
    city = campaign.sources.get(code="city")
    funding.receive_cash(
        source=city,
        amount_fen=50_000_000,
        document_no="R-1",
        request_id="r1",
        by=cast.mei(),
        at=now,
    )
    days.settle_day(campaign=campaign, business_day=timezone.localdate(), at=now)
    give_money_back(campaign, Redemption.objects.get())
    always = rule(RiskKind.MERCHANT_DAY, setting=RiskSetting.SHADOW, fen=0)
    with_rules(campaign, always, at=now)
    assert till.answer_to(till.order(third, mall, alice, at=now))[0] == 201
    holds.hold(
        redemption=Redemption.objects.latest("id"), reason=f"looks odd{mark}", by=cast.ren(), at=now
    )
    # As if the rule had been live.
    Signal(**{**_columns(Signal.objects.get()), "setting": RiskSetting.LIVE.value}).save()
    cases.gather_signals(at=now)
    today = timezone.localdate()
    back_tests.request_back_test(
        campaign=campaign, rule=always, first_day=today, last_day=today, by=cast.ren(), at=now
    )
    proposals.propose_appropriation(
        source=city,
        expected_fen=city.appropriated_fen,
        target_fen=city.appropriated_fen + 100,
        why=f"the district adds a yuan{mark}",
        request_id="p1",
        by=cast.mei(),
        at=now,
    )
    Outbox.objects.create(topic="redeemed", key="redeemed 1", payload={"id": 1}, created_at=now)
    Exclusion.objects.create(
        resident=people[3], reason="deceased", created_by="ren", created_at=now
    )
    residents.link(resident=alice, kind=Link.Kind.DEVICE, value="d-1", by=cast.ren(), at=now)
    residents.declare_proxy(holder=alice, proxy=people[1], relation="son", at=now)
    residents.merge(member=people[2], kept=alice, reason="one id", by=cast.ren(), at=now)
    (shown,) = till.issue_vouchers(campaign, [presenting.identified(people[1])], at=now)
    presenting.presented(shown, people[1], at=now)
    presenting.paper_of(shown, people[1], at=now)
    AuditReport.objects.create(started_at=now, took_s=0.1, is_proven=True, report={})
    assert seals.seal_journal(campaign=campaign, at=now) is None, "all in one open transaction"
    Seal.objects.create(
        cell="main",
        campaign=campaign,
        number=1,
        from_xid=0,
        until_xid=2,
        transfer_count=0,
        previous_sha256=bytes(32),
        sha256=bytes(range(32)),
        sealed_at=now,
    )
    endpoints.add_endpoint(
        url="https://app.example/hook", events=["campaign.changed"], channel_code="app", at=now
    )
    issue_credential(
        name="till 1",
        kind=Credential.Kind.MERCHANT,
        scopes=["redeem"],
        merchants=[cast.huilian()],
        at=now,
    )
    return campaign


def _columns(row: Model) -> dict[str, Any]:
    """A row's values without its number."""
    return {
        column.attname: getattr(row, column.attname)
        for column in row._meta.concrete_fields
        if not column.primary_key
    }


def give_money_back(campaign: Campaign, redemption: Redemption) -> None:
    """A refund after the day was settled; the merchant pays the city's share back by hand."""
    now = timezone.now()
    assert till.refunded(redemption, caller=till.till_of(redemption.store), at=now).status == 200
    collection.collect(
        campaign=campaign,
        merchant=redemption.merchant,
        source=campaign.sources.get(code="city"),
        amount_fen=100,
        document_no="C-1",
        request_id="c1",
        by=cast.mei(),
        at=now,
    )


def signed_in(user: User) -> Client:
    """A browser of one user."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture(scope="module")
def addresses(standing_town: Campaign) -> list[Address]:
    """Every address of the admin."""
    return addresses_of_the_admin()


@pytest.fixture
def closed_doors_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Thousands are tried; to write each down with its traceback takes longer than to close it."""
    caplog.set_level(logging.CRITICAL, "django.request")


@pytest.fixture
def root() -> Client:
    """A superuser's browser."""
    return signed_in(User.objects.create_superuser("root"))


@pytest.fixture
def draft() -> Campaign:
    """A sound draft of today, whose tiers plan what it has."""
    now = timezone.now()
    counts = {"off20": 10, "off50": 10, "off150": 10}
    return cast.spring_campaign(
        starts_at=now, ends_at=now + 30 * cast.DAY, budget_fen=220_000, tier_counts=counts
    )


@pytest.fixture
def mei() -> Client:
    """The manager's browser."""
    return signed_in(cast.mei())
