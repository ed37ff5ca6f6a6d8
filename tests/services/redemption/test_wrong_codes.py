"""Guessing opens nothing: wrong codes are counted of till, store and voucher, slowed, refused."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import NOON
from tests.support.history import in_words
from tests.support.presenting import APP, presented, shown
from tests.support.till import (
    code_of,
    decoded,
    issue_vouchers,
    nothing_moves,
    order,
    redeem,
    till_of,
)
from vouchers.models import Attempt, Campaign, Redemption, RequestRecord, Voucher, WrongCodes
from vouchers.services.redemption import (
    PresentRequest,
    forget_codes,
    forgive_wrong_codes,
    present,
)
from vouchers.states import WrongCodeKind

pytestmark = pytest.mark.django_db

FREE = 30
GUESSES = 10_000
BATCH = 500


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    return cast.running_campaign()


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


@pytest.fixture
def alices(campaign: Campaign) -> Voucher:
    return issue_vouchers(campaign, [cast.alice()])[0]


def guesses(voucher: Voucher, count: int) -> list[str]:
    """Codes of the voucher whose check digits are tried one after the other; the right one is the
    last."""
    code = code_of(voucher)
    right = int(code[13:])
    return [f"{code[:13]}{(right + step) % 10**7:07d}" for step in range(1, count)] + [code]


def test_guesses_in_the_sandbox_slow_neither_a_live_store_nor_a_live_voucher(
    alices: Voucher,
) -> None:
    store, alice = cast.nanjing_road(), cast.alice()
    tester = till_of(store, credential_id=2, is_test=True)
    tried = [
        order(code, store, alice, caller=tester) for code in guesses(alices, 5 * FREE + 1)[:-1]
    ]
    redeem(requests=tried)
    kinds = WrongCodes.objects.values_list("kind", flat=True)
    assert set(kinds) == {WrongCodeKind.TERMINAL}
    assert decoded(redeem(requests=[order(alices, store, alice)])[0])[0] == 201


def test_ten_thousand_guesses_from_one_key_open_nothing(alices: Voucher) -> None:
    """Two a second, the right code among them: no more than twice the free ones are looked at."""
    store, alice, codes = cast.nanjing_road(), cast.alice(), guesses(alices, GUESSES)
    heard: set[str] = set()
    with nothing_moves():
        for start in range(0, GUESSES, BATCH):
            batch = [
                order(
                    code,
                    store,
                    alice,
                    at=NOON + timedelta(seconds=0.3 * number),
                )
                for number, code in enumerate(codes[start : start + BATCH], start)
            ]
            heard |= {str(decoded(answer)[1]["code"]) for answer in redeem(requests=batch)}
    assert heard == {"voucher_not_usable", "too_many_wrong_codes"}
    assert Attempt.objects.count() == 2 * FREE
    assert RequestRecord.objects.count() == 2 * FREE
    assert not Redemption.objects.exists()


def test_a_till_waits_a_moment_and_the_same_request_is_then_answered(alices: Voucher) -> None:
    store = cast.nanjing_road()
    for _ in range(FREE):
        assert shown("8" + "0" * 19, store, by=cast.alice()).status == 404
    asked = order(alices, store, cast.alice())
    status, body = decoded(redeem(requests=[asked])[0])
    assert (status, body["code"], body["retryable"]) == (429, "too_many_wrong_codes", True)
    assert body["facts"] == {"wait_s": 2}
    later = replace(asked, at=NOON + timedelta(seconds=2))
    assert redeem(requests=[later])[0].status == 201


def test_another_till_is_not_slowed_down(alices: Voucher) -> None:
    store = cast.nanjing_road()
    for _ in range(FREE):
        shown("8" + "0" * 19, store, by=cast.alice())
    other = order(alices, store, cast.alice(), caller=till_of(store, credential_id=2))
    assert redeem(requests=[other])[0].status == 201


def test_tills_of_a_store_that_guess_in_turn_are_stopped_together(alices: Voucher) -> None:
    store = cast.nanjing_road()
    for till in range(5):
        for number in range(FREE):
            code = f"8{till:06d}{number:06d}0000000"
            asked = order(code, store, cast.alice(), caller=till_of(store, credential_id=10 + till))
            assert redeem(requests=[asked])[0].status == 404
    fresh = order(alices, store, cast.alice(), caller=till_of(store, credential_id=99))
    assert redeem(requests=[fresh])[0].status == 429


def test_one_voucher_tried_at_many_tills_is_only_good_when_presented(alices: Voucher) -> None:
    store = cast.nanjing_road()
    for number, code in enumerate(guesses(alices, FREE + 1)[:-1]):
        caller = till_of(store, credential_id=10 + number)
        redeem(requests=[order(code, store, cast.alice(), caller=caller)])
    fresh = till_of(store, credential_id=99)
    printed = order(alices, store, cast.alice(), caller=fresh)
    assert redeem(requests=[printed])[0].status == 429
    code = presented(alices, cast.alice())
    assert shown(code, store, caller=fresh).status == 201


def test_guessing_whose_a_voucher_is_counts_too(alices: Voucher) -> None:
    store = cast.nanjing_road()
    heard = [
        redeem(requests=[order(alices, store, cast.resident(f"guess-{number}"))])[0].status
        for number in range(FREE + 1)
    ]
    assert heard == [404] * FREE + [429]


def test_expired_codes_do_not_count_as_guesses(alices: Voucher) -> None:
    store, code = cast.nanjing_road(), presented(alices, cast.alice())
    late = NOON + timedelta(minutes=2)
    for _ in range(2 * FREE):
        assert shown(code, store, at=late).status == 404
    assert not WrongCodes.objects.exists()


def test_a_replay_is_counted_once(alices: Voucher) -> None:
    asked = order("8" + "0" * 19, cast.nanjing_road(), cast.alice())
    for _ in range(3):
        redeem(requests=[asked])
    counted = WrongCodes.objects.values_list("kind", "wrong_count")
    assert set(counted) == {
        (WrongCodeKind.TERMINAL, 1),
        (WrongCodeKind.STORE, 1),
        (WrongCodeKind.VOUCHER, 1),
    }


def test_a_channel_that_guesses_is_stopped_as_well(alices: Voucher) -> None:
    measure = 50 * settings.HUIMIN_WRONG_CODES
    asked = PresentRequest(caller=APP, code="8" + "0" * 19, resident_no="alice", at=NOON)
    codes = []
    for number in range(measure + 1):
        with pytest.raises(Refused) as caught:
            present(request=replace(asked, code=f"8{number:06d}{'0' * 13}"))
        codes.append(caught.value.refusal.code)
    assert codes == ["voucher_not_usable"] * measure + ["too_many_wrong_codes"]


def test_counters_of_a_day_ago_are_forgotten() -> None:
    cast.running_campaign()
    shown("8" + "0" * 19, cast.nanjing_road(), by=cast.alice())
    assert forget_codes(at=NOON + timedelta(hours=24)) == 0
    assert forget_codes(at=NOON + timedelta(hours=25)) == 3


class TestForgiving:
    def test_what_was_counted_of_one_subject_is_forgotten_and_of_others_it_is_not(
        self, alices: Voucher
    ) -> None:
        store = cast.nanjing_road()
        for _ in range(FREE):
            shown("8" + "0" * 19, store, by=cast.alice())
        asked = order(alices, store, cast.alice())
        assert redeem(requests=[asked])[0].status == 429
        till = asked.caller.credential_id
        assert forgiven(WrongCodeKind.TERMINAL, till, by=cast.ren()) == FREE
        assert forgiven(WrongCodeKind.TERMINAL, till, by=cast.ren()) == 0
        assert set(WrongCodes.objects.values_list("kind", flat=True)) == {
            WrongCodeKind.STORE,
            WrongCodeKind.VOUCHER,
        }
        assert redeem(requests=[asked])[0].status == 201
        (entry,) = LogEntry.objects.filter(change_message__contains="forgiven")
        assert in_words(entry) == f"Wrong codes forgiven, in all {FREE}: faulty scanner"

    def test_it_takes_a_risk_officer(self, alices: Voucher) -> None:
        shown("8" + "0" * 19, cast.nanjing_road(), by=cast.alice())
        till = till_of(cast.nanjing_road()).credential_id
        for person in (cast.mei(), cast.li(), cast.member("olga", "operator")):
            with pytest.raises(Refused, match="not_permitted"):
                forgiven(WrongCodeKind.TERMINAL, till, by=person)
        assert WrongCodes.objects.count() == 3


def forgiven(kind: WrongCodeKind, subject_id: int, *, by: User) -> int:
    return forgive_wrong_codes(
        kind=kind, subject_id=subject_id, reason="faulty scanner", by=by, at=NOON
    )
