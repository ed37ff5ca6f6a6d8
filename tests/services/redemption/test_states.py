"""Every act on a redemption in every state: only the arrows of the state machine are possible."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from tests.support import cast
from tests.support.cast import NOON
from tests.support.till import (
    authorised,
    captured,
    issue_vouchers,
    nothing_moves,
    order,
    redeem,
    refunded,
    reversed_,
    till_of,
    voided,
)
from vouchers.models import Redemption, Voucher
from vouchers.services.redemption import lapse_due
from vouchers.states import REDEMPTION_ARROWS, RedemptionState

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(minutes=15)
AUTHORISED, CAPTURED, VOIDED, REVERSED, REFUNDED = RedemptionState

Act = Callable[[Redemption], int]


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Voucher:
    return issue_vouchers(cast.running_campaign(limits={}), [cast.alice()])[0]


@pytest.fixture
def voucher(standing: Voucher) -> Voucher:
    return Voucher.objects.get(pk=standing.pk)


def brought_to(state: RedemptionState, voucher: Voucher) -> Redemption:
    """Alice's redemption of the order A-1, taken to a state by the acts that lead there."""
    here = till_of(cast.nanjing_road())
    made = authorised(voucher, cast.nanjing_road(), cast.alice(), order_no="A-1")
    if state in (CAPTURED, REFUNDED):
        captured(made, caller=here)
    if state == VOIDED:
        voided(made, caller=here)
    if state == REVERSED:
        reversed_(cast.nanjing_road(), "A-1", caller=here)
    if state == REFUNDED:
        assert refunded(Redemption.objects.get(pk=made.pk), caller=here).status == 200
    made.refresh_from_db()
    assert made.state == state
    return made


def capture(redemption: Redemption) -> int:
    return captured(redemption, caller=till_of(cast.nanjing_road())).status


def void(redemption: Redemption) -> int:
    return voided(redemption, caller=till_of(cast.nanjing_road())).status


def reverse(redemption: Redemption) -> int:
    return reversed_(cast.nanjing_road(), "A-1", caller=till_of(cast.nanjing_road())).status


def refund(redemption: Redemption) -> int:
    return refunded(redemption, caller=till_of(cast.nanjing_road())).status


def lapse(redemption: Redemption) -> int:
    return 200 if lapse_due(at=LATER) else 409


def redeem_again(redemption: Redemption) -> int:
    voucher = Voucher.objects.get(pk=redemption.voucher_id)
    return redeem(requests=[order(voucher, cast.nanjing_road(), cast.alice())])[0].status


def authorise_again(redemption: Redemption) -> int:
    voucher = Voucher.objects.get(pk=redemption.voucher_id)
    request = order(voucher, cast.nanjing_road(), cast.alice(), capture=False)
    return redeem(requests=[request])[0].status


# Where an act does something, and the state it leads to; everywhere else it is refused.
POSSIBLE: Mapping[tuple[Act, RedemptionState], RedemptionState] = {
    (capture, AUTHORISED): CAPTURED,
    (void, AUTHORISED): VOIDED,
    (void, CAPTURED): VOIDED,
    (reverse, AUTHORISED): REVERSED,
    (reverse, CAPTURED): REVERSED,
    (lapse, AUTHORISED): VOIDED,
    (refund, CAPTURED): REFUNDED,
}
ACTS = (capture, void, reverse, refund, lapse)


@pytest.mark.parametrize("state", RedemptionState, ids=lambda state: state.name.lower())
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_an_act_follows_an_arrow_or_changes_nothing(
    act: Act, state: RedemptionState, voucher: Voucher
) -> None:
    redemption = brought_to(state, voucher)
    target = POSSIBLE.get((act, state))
    if target is not None:
        assert act(redemption) == 200
        redemption.refresh_from_db()
        assert (redemption.state, (state, target) in REDEMPTION_ARROWS) == (target, True)
    elif act is reverse and state == VOIDED:
        # The order stays closed from now on; the redemption stays as it was.
        assert act(redemption) == 200
        redemption.refresh_from_db()
        assert redemption.state == VOIDED
    else:
        with nothing_moves():
            assert act(redemption) == (200 if act is reverse and state == REVERSED else 409)


@pytest.mark.parametrize("state", RedemptionState, ids=lambda state: state.name.lower())
@pytest.mark.parametrize("act", [redeem_again, authorise_again], ids=lambda act: act.__name__)
def test_its_voucher_is_used_again_only_when_nothing_stands(
    act: Act, state: RedemptionState, voucher: Voucher
) -> None:
    redemption = brought_to(state, voucher)
    if state in (VOIDED, REVERSED, REFUNDED):
        assert act(redemption) == 201
    else:
        with nothing_moves():
            assert act(redemption) == 409


@pytest.mark.parametrize("state", RedemptionState, ids=lambda state: state.name.lower())
def test_the_database_refuses_an_unknown_state_change(
    state: RedemptionState, voucher: Voucher
) -> None:
    redemption = brought_to(state, voucher)
    for target in set(RedemptionState) - {state}:
        if (state, target) in REDEMPTION_ARROWS:
            continue
        with (
            nothing_moves(),
            pytest.raises(DatabaseError, match="redemption_arrows"),
            transaction.atomic(),
        ):
            Redemption.objects.filter(pk=redemption.pk).update(state=target)
