"""The red button on a merchant, store or till: who may, until when, what the history keeps."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from merchants.auth import authenticate
from merchants.errors import Refusal, Refused
from merchants.models import Credential, Merchant, State, Store, Terminal
from merchants.services.edits import edit_store
from merchants.services.enrolment import enrol_terminal
from merchants.services.terminals import enrol_by_code, make_code
from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.history import in_words
from tests.support.till import (
    answer_to,
    decoded,
    issue_vouchers,
    merchant_of,
    order,
    redeem,
    refusal_of,
    till_of,
)
from vouchers.models import Attempt, Campaign, Redemption, Voucher
from vouchers.services.acts.idempotency import TILL_OFF
from vouchers.services.campaigns import lifecycle
from vouchers.services.campaigns.stops import Stoppable, lift, lift_due, suspend
from vouchers.services.redemption import RedeemRequest, quote
from vouchers.services.sandbox import move_clock
from vouchers.states import CampaignState

pytestmark = pytest.mark.django_db

WHY = "one device, many residents"
SIX = NOON + timedelta(hours=6)
"""18:00 in Shanghai."""
stop = partial(suspend, why=WHY, at=NOON)


def till() -> Credential:
    terminal = enrol_terminal(store=cast.nanjing_road(), code="T1")
    code = make_code(terminal=terminal, scopes=["redeem"], at=NOON, valid_s=3600)
    return enrol_by_code(code=code, address=None, at=NOON).credential


def terminal(code: str = "T1") -> Terminal:
    return enrol_terminal(store=cast.nanjing_road(), code=code)


ROWS: dict[str, Callable[[], Stoppable]] = {
    "merchant": cast.huilian,
    "store": cast.nanjing_road,
    "terminal": terminal,
    "credential": till,
}


@pytest.fixture(params=ROWS)
def row(request: pytest.FixtureRequest) -> Stoppable:
    cast.nanjing_road()
    return ROWS[request.param]()


def of_store(by: Any, until_at: datetime | None = None) -> Store:
    store = cast.nanjing_road()
    stop(row=store, by=by, until_at=until_at)
    return store


def lines() -> list[tuple[str, str]]:
    """Who did what to anything, in order."""
    return [(entry.user.username, in_words(entry)) for entry in LogEntry.objects.order_by("id")]


def problem(voucher: Voucher, at: datetime = NOON) -> dict[str, Any]:
    (answer,) = redeem(requests=[order(voucher, cast.nanjing_road(), cast.alice(), at=at)])
    return decoded(answer)[1]


@pytest.mark.parametrize("stopped", ["merchant", "store"])
def test_no_order_is_taken_from_then_on(stopped: str) -> None:
    (voucher,) = issue_vouchers(cast.running_campaign(), [cast.alice()])
    stop(row=ROWS[stopped](), by=cast.ren(), until_at=None)
    assert refusal_of(order(voucher, cast.nanjing_road(), cast.alice())) == "store_closed"


class TestTill:
    """A till is stopped for every order that names it, also under the key of its merchant."""

    @pytest.fixture
    def voucher(self) -> Voucher:
        (voucher,) = issue_vouchers(cast.running_campaign(), [cast.alice()])
        return voucher

    def named(self, voucher: Voucher, code: str) -> RedeemRequest:
        place = cast.nanjing_road()
        return order(voucher, place, cast.alice(), caller=merchant_of(place), terminal=code)

    @pytest.mark.parametrize("code", ["T1", "t1"])
    def test_from_the_next_request_on_until_it_is_lifted(self, voucher: Voucher, code: str) -> None:
        stopped = terminal()
        stop(row=stopped, by=cast.ren(), until_at=None)
        asked = self.named(voucher, code)
        status, said = answer_to(asked)
        assert (status, said["code"], said["rule"]) == (401, "unauthenticated", TILL_OFF.rule)
        assert "停用" in said["title_zh"]
        assert quote(request=asked) == TILL_OFF
        assert not Redemption.objects.exists()
        assert not Attempt.objects.exists()
        lift(row=stopped, why="explained", by=cast.ren(), at=NOON)
        assert answer_to(asked)[0] == 201, "its key was still free"
        stop(row=stopped, by=cast.ren(), until_at=None)
        assert answer_to(asked)[0] == 201, "what was answered is answered again"

    def test_under_its_own_key_and_under_another_till_s(self, voucher: Voucher) -> None:
        credential = till()
        stop(row=Terminal.objects.get(), by=cast.ren(), until_at=None)
        own = till_of(cast.nanjing_road(), credential_id=credential.pk)
        other = replace(own, credential_id=credential.pk + 1, terminal_code="T2")
        for caller, named in ((own, ""), (own, "X0"), (other, "T1")):
            asked = order(voucher, cast.nanjing_road(), cast.alice(), caller=caller, terminal=named)
            assert refusal_of(asked) == quote_refusal(asked) == "unauthenticated"
        asked = order(voucher, cast.nanjing_road(), cast.alice(), caller=other)
        assert answer_to(asked)[0] == 201

    def test_other_tills_go_on_and_so_do_tills_of_its_number_elsewhere(
        self, voucher: Voucher
    ) -> None:
        elsewhere = enrol_terminal(store=cast.xujiahui(), code="T2")
        for one in (terminal(), elsewhere):
            stop(row=one, by=cast.ren(), until_at=None)
        terminal("T2")
        assert answer_to(self.named(voucher, "T2"))[0] == 201

    def test_it_loses_its_unused_code(self) -> None:
        stopped = terminal()
        code = make_code(terminal=stopped, scopes=["redeem"], at=NOON, valid_s=3600)
        stop(row=stopped, by=cast.ren(), until_at=SIX)
        lift_due(at=SIX)
        with pytest.raises(Refused, match="enrolment_code_invalid"):
            enrol_by_code(code=code, address=None, at=NOON)


def quote_refusal(asked: RedeemRequest) -> str:
    found = quote(request=asked)
    assert isinstance(found, Refusal)
    return found.code


def test_the_history_says_who_until_when_and_why_and_that_it_ended(row: Stoppable) -> None:
    stop(row=row, by=cast.mei(), until_at=SIX)
    assert row.state == State.SUSPENDED
    assert lift_due(at=SIX - timedelta(microseconds=1)) == 0
    assert lift_due(at=SIX) == 1
    assert lift_due(at=SIX) == 0
    row.refresh_from_db()
    assert (row.state, row.suspended_until_at) == (State.ACTIVE, None)
    assert lines() == [
        ("mei", f"Now suspended until 2026-04-01 18:00: {WHY}"),
        ("clock", "Now active"),
    ]


def test_a_till_that_was_lifted_calls_with_the_key_it_had() -> None:
    terminal = enrol_terminal(store=cast.nanjing_road(), code="T1")
    code = make_code(terminal=terminal, scopes=["redeem"], at=NOON, valid_s=3600)
    enrolled = enrol_by_code(code=code, address=None, at=NOON)
    stop(row=enrolled.credential, by=cast.ren(), until_at=SIX)
    assert authenticate(enrolled.key_text, at=NOON) is None
    lift_due(at=SIX)
    assert authenticate(enrolled.key_text, at=SIX) is not None


def test_without_an_end_only_a_person_lifts_it() -> None:
    store = of_store(cast.ren())
    assert lift_due(at=NOON + 1000 * DAY) == 0
    lift(row=store, why="explained", by=cast.ren(), at=NOON)
    assert store.state == State.ACTIVE
    assert lines()[-1] == ("ren", "Now active: explained")
    with pytest.raises(Refused, match="not_suspended"):
        lift(row=store, why="again", by=cast.ren(), at=NOON)


@pytest.mark.parametrize("act", [partial(stop, until_at=None), partial(lift, why=WHY, at=NOON)])
def test_an_approver_may_not(act: Any, row: Stoppable) -> None:
    with pytest.raises(Refused, match="not_permitted"):
        act(row=row, by=cast.li())
    assert not LogEntry.objects.exists()
    row.refresh_from_db()
    assert row.state == State.ACTIVE


def test_who_changes_stores_may_and_only_in_their_area() -> None:
    xuhui = cast.district(310104, "徐汇区")
    oskar = cast.grant(User.objects.create_user("oskar"), "operator", where=xuhui)
    away, here = cast.nanjing_road(), cast.xujiahui()
    Store.objects.filter(pk=here.pk).update(district=xuhui, street=None)
    stop(row=here, by=oskar, until_at=None)
    with pytest.raises(Refused, match="not_permitted"):
        stop(row=away, by=oskar, until_at=None)


def test_an_end_that_has_passed_is_refused() -> None:
    with pytest.raises(Refused, match="stop_over"):
        of_store(cast.ren(), until_at=NOON)
    assert Store.objects.get().state == State.ACTIVE
    campaign = cast.running_campaign()
    with pytest.raises(Refused, match="stop_over"):
        lifecycle.pause(campaign=campaign, by=cast.ren(), at=NOON, until_at=NOON)


def test_a_second_suspension_lengthens_and_never_shortens() -> None:
    store = of_store(cast.ren(), until_at=SIX)
    for shorter in (SIX, SIX - timedelta(hours=1)):
        with pytest.raises(Refused, match="already_stopped"):
            of_store(cast.mei(), until_at=shorter)
    of_store(cast.mei(), until_at=SIX + DAY)
    of_store(cast.mei())
    store.refresh_from_db()
    assert (store.state, store.suspended_until_at) == (State.SUSPENDED, None)
    with pytest.raises(Refused, match="already_stopped"):
        of_store(cast.ren(), until_at=SIX + 365 * DAY)
    assert len(lines()) == 3


def test_what_is_closed_stays_closed() -> None:
    shop = cast.closed_shop()
    with pytest.raises(Refused, match="already_stopped"):
        stop(row=shop, by=cast.ren(), until_at=None)
    shop.refresh_from_db()
    assert shop.state == State.CLOSED
    assert not LogEntry.objects.exists()


def test_a_page_opened_before_does_not_undo_it_and_one_that_closes_does_away_with_its_end() -> None:
    seen = cast.nanjing_road()
    of_store(cast.ren(), until_at=SIX)
    save = partial(edit_store, store=seen, name="new", brand="", category="food", district=None)
    with pytest.raises(Refused) as refused:
        save(state="active")
    assert refused.value.refusal.rule == "suspended_elsewhere"
    save(state="suspended")
    assert Store.objects.get().suspended_until_at == SIX
    save(state="closed")
    closed = Store.objects.get()
    assert (closed.state, closed.suspended_until_at) == (State.CLOSED, None)


class TestAtTheTill:
    """What a cashier reads."""

    @pytest.fixture
    def voucher(self) -> Voucher:
        (voucher,) = issue_vouchers(cast.running_campaign(), [cast.alice()])
        return voucher

    def test_the_local_time_at_which_the_store_is_open_again(self, voucher: Voucher) -> None:
        of_store(cast.ren(), until_at=SIX)
        said = problem(voucher)
        assert (said["code"], said["rule"]) == ("store_closed", "suspended_until")
        assert said["retryable"]
        assert "1 April, 18:00" in said["title"]
        assert "4月1日 18:00" in said["title_zh"]

    @pytest.mark.parametrize(
        ("merchant_until", "store_until", "open_again_at"),
        [
            (SIX, SIX + DAY, SIX + DAY),
            (SIX + DAY, SIX, SIX + DAY),
            (None, SIX, None),
            (SIX, None, None),
        ],
    )
    def test_of_merchant_and_store_the_later_end(
        self,
        voucher: Voucher,
        merchant_until: datetime | None,
        store_until: datetime | None,
        open_again_at: datetime | None,
    ) -> None:
        stop(row=cast.huilian(), by=cast.ren(), until_at=merchant_until)
        of_store(cast.ren(), until_at=store_until)
        facts = problem(voucher).get("facts", {})
        until = facts.get("suspended_until_at")
        assert (until and datetime.fromisoformat(until)) == open_again_at

    def test_no_end_when_the_sweep_is_late(self, voucher: Voucher) -> None:
        of_store(cast.ren(), until_at=SIX)
        assert problem(voucher, at=SIX)["rule"] == "store_closed"

    def test_until_when_the_campaign_is_paused(self, voucher: Voucher) -> None:
        campaign = Campaign.objects.get()
        lifecycle.pause(campaign=campaign, by=cast.ren(), at=NOON, why=WHY, until_at=SIX)
        said = problem(voucher)
        assert (said["code"], said["rule"]) == ("campaign_not_running", "paused_until")
        assert "4月1日 18:00" in said["title_zh"]
        lift_due(at=SIX)
        assert "code" not in problem(voucher, at=SIX)


class TestPauses:
    """Of campaigns, with an end."""

    @pytest.fixture
    def campaign(self) -> Campaign:
        return cast.running_campaign()

    def test_the_clock_ends_it_with_a_line_in_the_history(self, campaign: Campaign) -> None:
        lifecycle.pause(campaign=campaign, by=cast.ren(), at=NOON, why=WHY, until_at=SIX)
        assert lift_due(at=SIX - timedelta(seconds=1)) == 0
        assert lift_due(at=SIX) == 1
        campaign.refresh_from_db()
        assert (campaign.state, campaign.paused_until_at) == (CampaignState.RUNNING, None)
        assert lines()[-2:] == [
            ("ren", f"Now paused until 2026-04-01 18:00: {WHY}"),
            ("clock", "Now running"),
        ]

    def test_it_is_made_longer_never_shorter(self, campaign: Campaign) -> None:
        pause = partial(lifecycle.pause, campaign=campaign, by=cast.ren(), at=NOON)
        pause(until_at=SIX)
        with pytest.raises(Refused, match="campaign_state"):
            pause(until_at=SIX)
        pause(until_at=None)
        with pytest.raises(Refused, match="campaign_state"):
            pause(until_at=SIX + DAY)
        assert lift_due(at=NOON + DAY) == 0

    def test_a_campaign_that_is_resumed_or_ended_has_no_end_left(self, campaign: Campaign) -> None:
        pause = partial(lifecycle.pause, campaign=campaign, by=cast.ren(), at=NOON, until_at=SIX)
        pause()
        lifecycle.resume(campaign=campaign, by=cast.mei(), at=NOON)
        pause()
        lifecycle.end(campaign=campaign, by=cast.mei(), at=NOON)
        assert lift_due(at=SIX) == 0
        assert Campaign.objects.get().state == CampaignState.ENDED

    def test_a_test_campaign_goes_by_its_own_clock_and_moves_no_live_one(
        self, campaign: Campaign
    ) -> None:
        sandbox = cast.running_campaign(code="sandbox", is_test=True)
        move_clock(campaign=sandbox, to=NOON + DAY, by=cast.mei(), at=NOON)
        pause = partial(lifecycle.pause, by=cast.ren(), at=NOON)
        with pytest.raises(Refused, match="stop_over"):
            pause(campaign=sandbox, until_at=SIX)
        pause(campaign=sandbox, until_at=SIX + DAY)
        pause(campaign=campaign, until_at=SIX)
        merchant = cast.huilian()
        stop(row=merchant, by=cast.ren(), until_at=SIX)
        move_clock(campaign=sandbox, to=SIX + DAY, by=cast.mei(), at=NOON)
        assert lift_due(at=NOON) == 1
        states = dict(Campaign.objects.values_list("code", "state"))
        assert states[sandbox.code] == CampaignState.RUNNING
        assert states[campaign.code] == CampaignState.PAUSED
        assert Merchant.objects.get(pk=merchant.pk).state == State.SUSPENDED
