"""Authorise, capture, void, reverse, refund, lapse meeting on one voucher: one of them has it."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Barrier, Event

import pytest
from django.db import ProgrammingError, transaction

from merchants.errors import Refused
from tests.support import cast, till
from tests.support.cast import NOON
from tests.support.concurrency import naive
from tests.support.concurrency.invariants import assert_proven, totals_fen
from tests.support.concurrency.threads import PATIENCE_S, at_once, met
from tests.support.till import (
    authorised,
    captured,
    issue_vouchers,
    order,
    redeem,
    refunded,
    reversed_,
    till_of,
    voided,
)
from vouchers.models import (
    Campaign,
    Hold,
    LimitCounter,
    Redemption,
)
from vouchers.services.issuing.expiry import expire_tranche
from vouchers.services.redemption import holds, lapse_due
from vouchers.states import (
    AccountKind,
    LimitKind,
    RedemptionState,
    TransferReason,
)

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 8
FACE_FEN = 2_000
BUDGET_FEN = 500_000_000
DUE = NOON + timedelta(minutes=15)
INSTANT = timedelta(microseconds=1)
END = NOON + timedelta(minutes=10)

Act = Callable[[Redemption], int]


@pytest.fixture
def campaign() -> Campaign:
    return cast.running_campaign(limits={LimitKind.RESIDENT_DAY: 1_000}, funding=cast.CO_FUNDED)


def authorisation(campaign: Campaign) -> Redemption:
    """A voucher of Alice's, good until ten past twelve, authorised in Nanjing Road."""
    (voucher,) = issue_vouchers(campaign, [cast.alice()], valid_until_at=END)
    return authorised(voucher, cast.nanjing_road(), cast.alice())


def capture(redemption: Redemption, amount_fen: int = 100_000) -> int:
    caller = till_of(cast.nanjing_road())
    last_moment = DUE - INSTANT
    return captured(redemption, caller=caller, amount_fen=amount_fen, at=last_moment).status


def capture_too_little(redemption: Redemption) -> int:
    return capture(redemption, amount_fen=9_999)


def void(redemption: Redemption) -> int:
    return voided(redemption, caller=till_of(cast.nanjing_road())).status


def reverse(redemption: Redemption) -> int:
    store = cast.nanjing_road()
    return reversed_(store, redemption.order_no, caller=till_of(store)).status


def refund(redemption: Redemption) -> int:
    """All that the shopper pays, or will have paid."""
    return refunded(redemption, caller=till_of(cast.nanjing_road()), at=DUE).status


def lapse(redemption: Redemption) -> int:
    """Sweeps all that is due, as beat does: how many it voided."""
    return lapse_due(at=DUE)


def expire(redemption: Redemption) -> int:
    return expire_tranche(tranche_id=redemption.voucher.tranche_id, at=END) or 0


def hold(redemption: Redemption) -> int:
    officer = cast.member("ruo", "risk officer")
    try:
        holds.hold(redemption=redemption, reason="many at once", by=officer, at=NOON)
    except Refused:
        return 409
    return 200


def end_naively(
    reason: TransferReason,
    target: AccountKind,
    redemption: Redemption,
    between: Callable[[], object],
) -> bool:
    """Read, decide, save: every step right by itself. `between` is called before the saving."""
    found = Redemption.objects.get(pk=redemption.pk)
    if found.state != RedemptionState.AUTHORISED:
        return False
    between()
    with transaction.atomic():
        naive.move_discount(found, reason, AccountKind.AUTHORISED, target)
        is_capture = reason == TransferReason.CAPTURE
        Redemption.objects.filter(pk=found.pk).update(
            state=RedemptionState.CAPTURED if is_capture else RedemptionState.VOIDED
        )
    return True


def refund_naively(redemption: Redemption) -> bool:
    """Look whether it has been refunded, give back: every step right by itself."""
    if naive.has_moved(TransferReason.REFUND, cause_id=redemption.pk):
        return False
    with transaction.atomic():
        naive.move_discount(
            redemption, TransferReason.REFUND, AccountKind.PAYABLE, AccountKind.OUTSTANDING
        )
    return True


def race(campaign: Campaign, *acts: Act, prepare: Act | None = None) -> list[list[int]]:
    """Let the acts meet on one authorisation after the other."""
    answers = []
    for _ in range(ROUNDS):
        redemption = authorisation(campaign)
        if prepare is not None:
            prepare(redemption)
        answers.append(at_once([partial(act, redemption) for act in acts]))
    return answers


def assert_in_one_place(campaign: Campaign) -> None:
    """Every fen is somewhere once, and the counters hold what stands."""
    fen = totals_fen(campaign)
    live = list(Redemption.objects.filter(state__in=[1, 2]))
    of_state = {
        state: sum(it.discount_fen for it in live if it.state == state)
        for state in (RedemptionState.AUTHORISED, RedemptionState.CAPTURED)
    }
    assert fen[AccountKind.AUTHORISED] == of_state[RedemptionState.AUTHORISED]
    owed_fen = fen[AccountKind.PAYABLE] + fen[AccountKind.RISK_HELD]
    assert owed_fen == of_state[RedemptionState.CAPTURED]
    rest_fen = fen[AccountKind.FREE] + fen[AccountKind.OUTSTANDING] + fen[AccountKind.AUTHORISED]
    assert rest_fen + owed_fen == BUDGET_FEN
    counted = LimitCounter.objects.values_list("used_count", "used_fen").first() or (0, 0)
    assert counted == (len(live), sum(it.discount_fen for it in live))
    assert_proven()


def states() -> list[RedemptionState]:
    rows = Redemption.objects.order_by("id").values_list("state", flat=True)
    return [RedemptionState(state) for state in rows]


NaiveAct = Callable[[Redemption, Callable[[], object]], bool]
capture_naively: NaiveAct = partial(end_naively, TransferReason.CAPTURE, AccountKind.PAYABLE)
lapse_naively: NaiveAct = partial(end_naively, TransferReason.LAPSE, AccountKind.OUTSTANDING)


def naively_met(first: NaiveAct, second: NaiveAct, redemption: Redemption) -> list[bool]:
    """Both acts read the same, then the first saves, then the second."""
    both_have_read, first_has_saved = Barrier(2), Event()

    def leads() -> bool:
        try:
            return first(redemption, lambda: both_have_read.wait(PATIENCE_S))
        finally:
            first_has_saved.set()

    def wait_for_the_first() -> None:
        both_have_read.wait(PATIENCE_S)
        first_has_saved.wait(PATIENCE_S)

    return at_once([leads, partial(second, redemption, wait_for_the_first)])


def test_control_naive_acts_end_an_authorisation_twice(campaign: Campaign) -> None:
    """No arrow of a state is broken, and yet its money has gone to two places."""
    assert naively_met(capture_naively, lapse_naively, authorisation(campaign)) == [True, True]
    assert totals_fen(campaign)[AccountKind.AUTHORISED] == -FACE_FEN


def test_the_guard_of_states_stops_a_naive_capture_after_a_lapse(campaign: Campaign) -> None:
    with pytest.raises(ProgrammingError, match="Cannot update rows from vouchers_redemption"):
        naively_met(lapse_naively, capture_naively, authorisation(campaign))
    assert totals_fen(campaign)[AccountKind.AUTHORISED] == 0


def test_many_captures_capture_once(campaign: Campaign) -> None:
    for statuses in race(campaign, *[capture] * 6):
        assert sorted(statuses) == [200] + [409] * 5
    assert states() == [RedemptionState.CAPTURED] * ROUNDS
    assert_in_one_place(campaign)


def test_capture_against_lapse(campaign: Campaign) -> None:
    """In the last moment: captured or given back, and the till knows which."""
    redemptions = [authorisation(campaign) for _ in range(ROUNDS)]
    acts = [partial(capture, redemption) for redemption in redemptions]
    sweeps = [partial(lapse, redemptions[0])] * 3
    *captures, first, second, third = at_once([*acts, *sweeps])
    assert captures.count(409) == first + second + third
    outcome = {200: RedemptionState.CAPTURED, 409: RedemptionState.VOIDED}
    assert states() == [outcome[status] for status in captures]
    assert_in_one_place(campaign)


def test_void_against_capture(campaign: Campaign) -> None:
    """The void wins always: before the capture, or after it."""
    for captured_, voided_, again in race(campaign, capture, void, void):
        assert {voided_, again} == {200, 409}
        assert captured_ in {200, 409}
    assert states() == [RedemptionState.VOIDED] * ROUNDS
    assert totals_fen(campaign)[AccountKind.OUTSTANDING] == ROUNDS * FACE_FEN
    assert_in_one_place(campaign)


@pytest.mark.parametrize(
    ("first", "second", "prepare", "statuses"),
    [
        (capture, void, None, [200, 200]),
        (void, capture, None, [200, 409]),
        (capture, refund, None, [200, 200]),
        (refund, capture, None, [409, 200]),
        (hold, void, capture, [200, 200]),
        (void, hold, capture, [200, 409]),
    ],
)
def test_the_second_act_waits_and_is_judged_by_what_the_first_left(
    campaign: Campaign, first: Act, second: Act, prepare: Act | None, statuses: list[int]
) -> None:
    cast.member("ruo", "risk officer")
    redemption = authorisation(campaign)
    if prepare is not None:
        prepare(redemption)
    assert met(partial(first, redemption), partial(second, redemption)) == statuses
    assert_in_one_place(campaign)


def test_capture_void_reverse_lapse_and_expiry_together(campaign: Campaign) -> None:
    """One of them undoes it, and the vouchers' end makes no difference to the sum."""
    answers = race(campaign, capture, capture_too_little, void, reverse, lapse, expire)
    # A capture below the threshold and a sweep void it; of these and the void one at most did.
    voids = [
        (too_little == 200) + (void == 200) + swept for _, too_little, void, _, swept, _ in answers
    ]
    assert set(voids) <= {0, 1}
    assert {reversed_ for *_, reversed_, _, _ in answers} == {200}
    undone = [RedemptionState.VOIDED if voided_ else RedemptionState.REVERSED for voided_ in voids]
    assert states() == undone
    assert totals_fen(campaign)[AccountKind.FREE] == BUDGET_FEN
    assert_in_one_place(campaign)


def test_control_naive_refunds_give_the_subsidy_back_twice(campaign: Campaign) -> None:
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    redemption = authorised(voucher, cast.nanjing_road(), cast.alice())
    capture(redemption)
    given = at_once([partial(refund_naively, redemption)] * 8)
    fen = totals_fen(campaign)
    assert fen[AccountKind.PAYABLE] == FACE_FEN * (1 - given.count(True)) < 0, "they never met"


def test_refund_against_capture_and_expiry(campaign: Campaign) -> None:
    """Nothing is refunded that is not captured yet, nor twice; what comes back is free again, once,
    since its voucher has ended."""
    answers = race(campaign, capture, refund, refund, expire)
    assert {captured_ for captured_, *_ in answers} == {200}
    refunds = [sorted(statuses[1:3]) for statuses in answers]
    assert all(statuses in ([200, 409], [409, 409]) for statuses in refunds)
    state = {200: RedemptionState.REFUNDED, 409: RedemptionState.CAPTURED}
    assert states() == [state[first] for first, _ in refunds]
    assert totals_fen(campaign)[AccountKind.OUTSTANDING] == 0
    assert_in_one_place(campaign)


def test_void_against_hold(campaign: Campaign) -> None:
    """Held and then given back, or given back and never held; nothing stays held."""
    cast.member("ruo", "risk officer")
    for held, voided_ in race(campaign, hold, void, prepare=capture):
        assert held in {200, 409}
        assert voided_ == 200
    assert not Hold.objects.filter(released_at=None).exists()
    assert totals_fen(campaign)[AccountKind.RISK_HELD] == 0
    assert_in_one_place(campaign)


def test_authorise_against_redeem_from_many_threads(campaign: Campaign) -> None:
    """Each voucher goes to one till, whether it pays now or only promises."""
    vouchers = issue_vouchers(campaign, [cast.alice()] * ROUNDS)

    def grab(number: int) -> list[int]:
        requests = [
            order(voucher, cast.nanjing_road(), cast.alice(), capture=bool(number % 2))
            for voucher in (vouchers if number % 3 else reversed(vouchers))
        ]
        return [answer.status for answer in redeem(requests=requests)]

    answers = at_once([partial(grab, number) for number in range(8)])
    for number in range(8):
        if not number % 3:
            answers[number].reverse()
    won = [sum(statuses[n] == 201 for statuses in answers) for n in range(ROUNDS)]
    assert won == [1] * ROUNDS
    assert Redemption.objects.count() == ROUNDS
    fen = totals_fen(campaign)
    assert fen[AccountKind.OUTSTANDING] == 0
    assert fen[AccountKind.AUTHORISED] + fen[AccountKind.PAYABLE] == ROUNDS * FACE_FEN
    assert_in_one_place(campaign)


def test_the_last_place_of_a_limit_goes_to_one_authorisation(campaign: Campaign) -> None:
    campaign = cast.running_campaign(
        code="one-a-day", limits={LimitKind.RESIDENT_DAY: 1}, funding=cast.CO_FUNDED
    )
    vouchers = issue_vouchers(campaign, [cast.carol()] * 6)
    store = cast.nanjing_road()
    requests = [
        order(voucher, store, cast.carol(), capture=bool(number % 2))
        for number, voucher in enumerate(vouchers)
    ]
    statuses = at_once([partial(till.answer_to, request) for request in requests])
    assert sorted(status for status, _ in statuses) == [201] + [422] * 5
    assert_proven()
