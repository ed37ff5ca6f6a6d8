"""The clock of a test campaign moves forward, and what is due by it happens."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.claims import (
    CLOSING,
    TEN,
    app,
    asking,
    claimed,
    grab,
    neighbours,
    refusal,
    statuses,
    verdict,
)
from tests.support.presenting import APP, identified, paper_of, presented
from tests.support.till import answer_to, decoded, issue_vouchers, order, till_of
from vouchers.http.answers import render
from vouchers.http.redemption import void_request
from vouchers.models import Campaign, Presentation, Redemption, SandboxClock, Voucher
from vouchers.queries.residents import wallet_of
from vouchers.services import redemption as redemptions
from vouchers.services.campaigns import lifecycle
from vouchers.services.claims import open_coming
from vouchers.services.claims.offers import offers
from vouchers.services.issuing import expiry
from vouchers.services.issuing.control import wind_up
from vouchers.services.issuing.runs import request_run
from vouchers.services.residents.exclusions import exclude
from vouchers.services.sandbox import move_clock, time_in
from vouchers.services.settlement import days
from vouchers.states import CampaignState, RedemptionState, RunState, TrancheState

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    return cast.running_campaign(is_test=True)


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


@pytest.fixture
def voucher(campaign: Campaign) -> Voucher:
    return issue_vouchers(campaign, [cast.ada()])[0]


def refused_rule(campaign: Campaign, *, ahead: timedelta) -> str:
    with pytest.raises(Refused) as refused:
        move_clock(campaign=campaign, to=NOON + ahead, by=cast.mei(), at=NOON)
    assert refused.value.refusal.code == "clock_not_movable"
    return refused.value.refusal.rule


def move(campaign: Campaign, *, ahead: timedelta) -> None:
    move_clock(campaign=campaign, to=NOON + ahead, by=cast.mei(), at=NOON)


def test_a_test_order_is_made_at_the_time_of_its_campaign(
    campaign: Campaign, voucher: Voucher
) -> None:
    move(campaign, ahead=2 * DAY)
    store = cast.nanjing_road()
    tester = till_of(store, is_test=True)
    status, body = answer_to(order(voucher, store, cast.ada(), caller=tester))
    assert status == 201, body
    assert Redemption.objects.get().redeemed_at == NOON + 2 * DAY
    assert body["business_day"] == "2026-04-03"
    void = void_request(
        caller=tester,
        key="void",
        path=f"/api/v1/redemptions/{body['id']}/void",
        body=b"",
        at=NOON,
        redemption_id=body["id"],
    )
    status, body = decoded(redemptions.void(request=void, render=render))
    assert (status, body["voided_at"]) == (200, "2026-04-03T04:00:00Z")


def test_a_voucher_expires_by_the_clock(campaign: Campaign, voucher: Voucher) -> None:
    store = cast.nanjing_road()
    move(campaign, ahead=timedelta(seconds=campaign.validity_s))
    tester = till_of(store, is_test=True)
    status, body = answer_to(order(voucher, store, cast.ada(), caller=tester))
    assert (status, body["code"]) == (409, "voucher_expired")
    assert expiry.expire_due(at=NOON) == 1
    assert campaign.tranches.get().state == TrancheState.EXPIRED


def test_an_authorisation_lapses_by_the_clock(campaign: Campaign, voucher: Voucher) -> None:
    store = cast.nanjing_road()
    tester = till_of(store, is_test=True)
    answer_to(order(voucher, store, cast.ada(), caller=tester, capture=False))
    assert redemptions.lapse_due(at=NOON) == 0
    move(campaign, ahead=timedelta(hours=1))
    assert redemptions.lapse_due(at=NOON) == 1
    assert Redemption.objects.get().state == RedemptionState.VOIDED


def test_a_campaign_ends_by_the_clock_and_a_live_one_beside_it_does_not(
    campaign: Campaign,
) -> None:
    live = cast.running_campaign(code="live")
    move(campaign, ahead=campaign.ends_at - NOON)
    assert lifecycle.end_due(at=NOON) == 1
    campaign.refresh_from_db()
    live.refresh_from_db()
    assert (campaign.state, live.state) == (CampaignState.ENDED, CampaignState.RUNNING)


def test_a_day_of_the_campaigns_future_can_be_settled(campaign: Campaign, voucher: Voucher) -> None:
    tomorrow = (NOON + DAY).date()
    with pytest.raises(Refused, match="day_not_begun"):
        days.settle_day(campaign=campaign, business_day=tomorrow, at=NOON)
    move(campaign, ahead=DAY)
    store = cast.nanjing_road()
    answer_to(order(voucher, store, cast.ada(), caller=till_of(store, is_test=True)))
    assert len(days.settle_day(campaign=campaign, business_day=tomorrow, at=NOON)) == 1


def test_a_presented_code_lives_and_redeems_at_the_time_of_its_campaign(
    campaign: Campaign, voucher: Voucher
) -> None:
    move(campaign, ahead=2 * DAY)
    store, app = cast.nanjing_road(), replace(APP, is_test=True)
    code = presented(voucher, cast.ada(), caller=app)
    assert Presentation.objects.get().expires_at == NOON + 2 * DAY + timedelta(minutes=1)
    tester = till_of(store, is_test=True)
    late = order(code, store, None, caller=tester, at=NOON + timedelta(minutes=1))
    assert answer_to(late)[1]["code"] == "voucher_not_usable"
    assert answer_to(order(code, store, None, caller=tester))[0] == 201


def test_a_voucher_that_is_over_by_the_clock_is_neither_presented_nor_printed(
    campaign: Campaign, voucher: Voucher
) -> None:
    holder = identified(cast.ada())
    move(campaign, ahead=timedelta(seconds=campaign.validity_s))
    app = replace(APP, is_test=True)
    with pytest.raises(Refused, match="voucher_expired"):
        presented(voucher, holder, caller=app)
    with pytest.raises(Refused, match="voucher_expired"):
        paper_of(voucher, holder, caller=app)
    (shown,) = wallet_of(holder, is_test=True, at=NOON)
    assert shown.state == "expired"


def test_a_round_opens_and_closes_by_the_clock_for_offers_and_claims() -> None:
    campaign, tester = grab(is_test=True, is_opened=False), app(is_test=True)
    neighbour = cast.ada()
    early = TEN - timedelta(hours=3)
    assert refusal(asking(neighbour, campaign, at=early, caller=tester))[1] == "round_not_open"
    move_clock(campaign=campaign, to=TEN, by=cast.mei(), at=early)
    assert open_coming(at=early) == 1
    (offer,) = offers(caller=tester, resident=neighbour.external_id, at=early)
    assert offer.state == "open"
    status, body = verdict(asking(neighbour, campaign, at=early, caller=tester))
    assert (status, body["claimed_at"]) == (201, "2026-04-01T02:00:00Z")
    move_clock(campaign=campaign, to=CLOSING, by=cast.mei(), at=early)
    assert offers(caller=tester, resident=neighbour.external_id, at=early) == []
    late = asking(neighbour, campaign, at=early, caller=tester)
    assert refusal(late)[1] == "round_over"


def test_the_clock_of_a_sandbox_decides_no_live_claim_of_the_batch() -> None:
    live, sandbox = grab(), grab(code="sandbox", is_test=True)
    (neighbour,), tester = neighbours(1), app(is_test=True)
    exclude(
        resident=neighbour, campaign=live, reason="x", by=cast.mei(), at=TEN + timedelta(hours=1)
    )
    move_clock(campaign=sandbox, to=TEN + timedelta(hours=5), by=cast.mei(), at=TEN)
    batch = [asking(cast.ada(), sandbox, caller=tester), asking(neighbour, live)]
    assert statuses(claimed(batch)) == [201, 201]


def test_live_claims_ask_for_no_clock() -> None:
    campaign, (neighbour,) = grab(), neighbours(1)
    with CaptureQueriesContext(connection) as queries:
        assert verdict(asking(neighbour, campaign))[0] == 201
    assert not [query for query in queries if "sandboxclock" in query["sql"]]


def test_vouchers_issued_after_the_move_are_valid_from_then(campaign: Campaign) -> None:
    move(campaign, ahead=3 * DAY)
    issue_vouchers(campaign, [cast.ada()])
    assert campaign.tranches.get().valid_from_at == NOON + 3 * DAY


def test_a_run_of_a_campaign_that_is_over_by_the_clock_is_wound_up_then(
    campaign: Campaign,
) -> None:
    mei, other = cast.mei(), cast.running_campaign(code="live")
    live = request_run(campaign=other, seed="1", by=mei, at=NOON)
    run = request_run(campaign=campaign, seed="1", by=mei, at=NOON)
    assert wind_up(at=NOON) == 0
    move(campaign, ahead=campaign.ends_at - NOON)
    assert wind_up(at=NOON) == 1
    run.refresh_from_db()
    live.refresh_from_db()
    assert (run.state, run.finished_at) == (RunState.CANCELLED, campaign.ends_at)
    assert live.state == RunState.QUEUED


def test_the_time_runs_on_from_where_it_was_put(campaign: Campaign) -> None:
    move(campaign, ahead=DAY)
    later = NOON + timedelta(minutes=5)
    assert time_in(campaign_id=campaign.pk, at=later) == later + DAY


def test_a_live_campaign_has_no_clock() -> None:
    assert refused_rule(cast.running_campaign(), ahead=DAY) == "only_test"
    assert not SandboxClock.objects.exists()


def test_the_clock_never_goes_back_nor_too_far(campaign: Campaign) -> None:
    move(campaign, ahead=DAY)
    assert refused_rule(campaign, ahead=DAY - timedelta(seconds=1)) == "never_back"
    assert refused_rule(campaign, ahead=2_000 * DAY) == "too_far"
    assert SandboxClock.objects.get().ahead == DAY


def test_a_draft_has_no_clock_yet() -> None:
    draft = cast.spring_campaign(is_test=True)
    assert refused_rule(draft, ahead=DAY) == "not_launched"


def test_an_approver_moves_no_clock(campaign: Campaign) -> None:
    with pytest.raises(Refused, match="not_permitted"):
        move_clock(campaign=campaign, to=NOON + DAY, by=cast.li(), at=NOON)
