"""Held money waits: no settlement takes it, and only those who may do so hold it or let it go."""

from datetime import date, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.refunds import assert_ties, bought, campaign_with, fens, refund_of, settled
from tests.support.standing import state_of
from tests.support.till import nothing_moves, refunded, till_of, voided
from vouchers.models import Campaign, Hold, Redemption, Settlement
from vouchers.services.redemption.holds import call_back, hold, release
from vouchers.states import AccountKind, RedemptionState, RefundPolicy

pytestmark = pytest.mark.django_db

TODAY, TOMORROW = date(2026, 4, 1), date(2026, 4, 2)
MIDNIGHT = NOON + DAY / 2
WHOLE = {"city": 3_000, "group": 2_000}
NOTHING = {"city": 0, "group": 0}


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    return campaign_with(RefundPolicy.PRO_RATA)


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


@pytest.fixture
def redemption(campaign: Campaign) -> Redemption:
    return bought(campaign)


@pytest.fixture
def rosa() -> User:
    """Rosa, the risk officer."""
    return cast.member("rosa", "risk officer")


def test_a_hold_moves_the_whole_discount(
    campaign: Campaign, redemption: Redemption, rosa: User
) -> None:
    opened = hold(redemption=redemption, reason="three in a minute", by=rosa, at=NOON)
    assert (opened.opened_by, opened.reason) == ("rosa", "three in a minute")
    assert fens(campaign, AccountKind.RISK_HELD) == WHOLE
    assert fens(campaign, AccountKind.PAYABLE) == NOTHING
    assert_ties(campaign)


def test_what_may_not_be_paid_is_called_back_with_a_reason(
    campaign: Campaign, redemption: Redemption, rosa: User
) -> None:
    opened = hold(redemption=redemption, reason="after death", by=rosa, at=NOON)
    free_fen = fens(campaign, AccountKind.FREE)
    with pytest.raises(Refused, match="why_missing"):
        call_back(hold=opened, reason=" ", by=rosa, at=NOON)
    with pytest.raises(Refused, match="not_permitted"):
        call_back(hold=opened, reason="no heir", by=cast.mei(), at=NOON)
    refund_of(redemption, 19_000)
    call_back(hold=opened, reason="no heir", by=rosa, at=NOON + 3 * DAY)
    assert (opened.released_by, opened.released_at) == ("rosa", NOON + 3 * DAY)
    assert state_of(redemption) is RedemptionState.REFUNDED
    assert fens(campaign, AccountKind.RISK_HELD) == NOTHING
    assert fens(campaign, AccountKind.FREE) == {
        source: fen + WHOLE[source] for source, fen in free_fen.items()
    }
    noted = LogEntry.objects.get(object_id=str(opened.pk), change_message__contains="no heir")
    assert (noted.user, noted.action_time) == (rosa, NOON + 3 * DAY)
    assert_ties(campaign)


def test_a_hold_that_is_over_calls_nothing_back_of_the_next(
    campaign: Campaign, redemption: Redemption, rosa: User
) -> None:
    first = hold(redemption=redemption, reason="odd", by=rosa, at=NOON)
    release(hold=first, by=rosa, at=NOON)
    hold(redemption=redemption, reason="odd again", by=rosa, at=NOON)
    with nothing_moves(), pytest.raises(Refused, match="not_held"):
        call_back(hold=first, reason="fraud", by=rosa, at=NOON)


def test_a_release_moves_it_back(campaign: Campaign, redemption: Redemption, rosa: User) -> None:
    opened = hold(redemption=redemption, reason="odd", by=rosa, at=NOON)
    release(hold=opened, by=rosa, at=NOON + DAY)
    assert (opened.released_by, opened.released_at) == ("rosa", NOON + DAY)
    assert fens(campaign, AccountKind.PAYABLE) == WHOLE
    assert_ties(campaign)


def test_held_money_waits_for_the_settlement_after_its_release(
    campaign: Campaign, redemption: Redemption, rosa: User
) -> None:
    opened = hold(redemption=redemption, reason="odd", by=rosa, at=NOON)
    assert settled(campaign, TODAY, MIDNIGHT, is_paid=False) == []
    release(hold=opened, by=rosa, at=NOON + DAY)
    settlements = settled(campaign, TOMORROW, MIDNIGHT + DAY, is_paid=False)
    assert sum(row.total_fen for row in settlements) == 5_000


def test_what_was_released_may_be_held_again(
    campaign: Campaign, redemption: Redemption, rosa: User
) -> None:
    release(hold=hold(redemption=redemption, reason="odd", by=rosa, at=NOON), by=rosa, at=NOON)
    hold(redemption=redemption, reason="odd again", by=rosa, at=NOON)
    assert Hold.objects.count() == 2
    assert_ties(campaign)


def test_what_a_refund_called_back_is_neither_held_nor_released(
    campaign: Campaign, redemption: Redemption, rosa: User
) -> None:
    refund_of(redemption, 19_000)
    opened = hold(redemption=redemption, reason="odd", by=rosa, at=NOON)
    assert fens(campaign, AccountKind.RISK_HELD) == {"city": 2_400, "group": 1_600}
    refund_of(redemption, 19_000)
    release(hold=opened, by=rosa, at=NOON)
    assert fens(campaign, AccountKind.PAYABLE) == {"city": 1_800, "group": 1_200}
    assert_ties(campaign)


def test_a_void_ends_the_hold(campaign: Campaign, redemption: Redemption, rosa: User) -> None:
    opened = hold(redemption=redemption, reason="odd", by=rosa, at=NOON)
    assert voided(redemption, caller=till_of(cast.nanjing_road())).status == 200
    assert fens(campaign, AccountKind.RISK_HELD) == NOTHING
    with pytest.raises(Refused, match="not_held"):
        release(hold=opened, by=rosa, at=NOON)
    assert_ties(campaign)


# Refusals


def refused_hold(redemption: Redemption, by: User) -> str:
    with nothing_moves(), pytest.raises(Refused) as refused:
        hold(redemption=redemption, reason="odd", by=by, at=NOON)
    return refused.value.refusal.code


def test_a_hold_is_not_doubled(redemption: Redemption, rosa: User) -> None:
    hold(redemption=redemption, reason="odd", by=rosa, at=NOON)
    assert refused_hold(redemption, rosa) == "already_held"


def test_what_is_settled_is_not_held_any_more(
    campaign: Campaign, redemption: Redemption, rosa: User
) -> None:
    settled(campaign, TODAY, MIDNIGHT, is_paid=False)
    assert Settlement.objects.count() == 2
    assert refused_hold(redemption, rosa) == "already_settled"


def test_only_what_is_captured_is_held(redemption: Redemption, rosa: User) -> None:
    refund_of(redemption)
    assert refused_hold(redemption, rosa) == "hold_not_captured"


def test_a_hold_is_released_once(redemption: Redemption, rosa: User) -> None:
    opened = hold(redemption=redemption, reason="odd", by=rosa, at=NOON)
    release(hold=opened, by=rosa, at=NOON)
    with nothing_moves(), pytest.raises(Refused, match="not_held"):
        release(hold=opened, by=rosa, at=NOON + DAY)


@pytest.mark.parametrize("role", ["manager", "approver", "operator", "auditor"])
def test_only_risk_officers_hold_and_release(role: str, redemption: Redemption, rosa: User) -> None:
    someone = cast.member(f"some-{role}", role)
    assert refused_hold(redemption, someone) == "not_permitted"
    opened = hold(redemption=redemption, reason="odd", by=rosa, at=NOON)
    with nothing_moves(), pytest.raises(Refused, match="not_permitted"):
        release(hold=opened, by=someone, at=NOON)


@pytest.mark.parametrize("end", ["release", "void", "refund"])
def test_a_clock_that_lags_ends_a_hold_no_earlier_than_it_was_opened(
    redemption: Redemption, rosa: User, end: str
) -> None:
    opened = hold(redemption=redemption, reason="odd", by=rosa, at=NOON + timedelta(seconds=2))
    caller, lagging_at = till_of(redemption.store), NOON + timedelta(seconds=1)
    if end == "release":
        release(hold=opened, by=rosa, at=lagging_at)
    elif end == "void":
        assert voided(redemption, caller=caller, at=lagging_at).status == 200
    else:
        assert refunded(redemption, caller=caller, at=lagging_at).status == 200
    opened.refresh_from_db()
    assert opened.released_at == opened.opened_at
