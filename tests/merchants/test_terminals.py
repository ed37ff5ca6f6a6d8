"""A till types a code once and has its key; wrong codes are counted, and stop."""

from datetime import timedelta

import pytest

from merchants.auth import authenticate
from merchants.errors import Refused
from merchants.models import (
    Credential,
    EnrolmentCode,
    EnrolmentGuess,
    Merchant,
    State,
    Store,
    Terminal,
)
from merchants.services import enrol_terminal
from merchants.services.edits import set_credential_state
from merchants.services.terminals import WRONG_PER_HOUR, enrol_by_code, make_code
from tests.support import cast
from tests.support.cast import NOON
from vouchers.services.campaigns import stops

pytestmark = pytest.mark.django_db

DAY_S = 24 * 3600
HERE = "203.0.113.7"


@pytest.fixture
def till() -> Terminal:
    return enrol_terminal(store=cast.nanjing_road(), code="T1")


def code_for(till: Terminal, *, is_test: bool = False) -> str:
    return make_code(
        terminal=till, scopes=["redeem", "quote"], valid_s=DAY_S, is_test=is_test, at=NOON
    )


def opens(code: str, *, address: str = HERE, hours: float = 0) -> bool:
    """Whether the code is exchanged for a key of a till."""
    at = NOON + timedelta(hours=hours)
    found = enrol_by_code(code=code, address=address, at=at)
    return authenticate(found.key_text, at=at) is not None


def refusal_of(code: str, *, address: str = HERE, hours: float = 0) -> str:
    with pytest.raises(Refused) as refused:
        enrol_by_code(code=code, address=address, at=NOON + timedelta(hours=hours))
    return refused.value.refusal.code


def test_a_code_is_exchanged_for_a_key_that_opens_the_till_alone(till: Terminal) -> None:
    enrolled = enrol_by_code(code=code_for(till), address=HERE, at=NOON)
    caller = authenticate(enrolled.key_text, at=NOON)
    assert caller is not None
    assert (caller.terminal_code, caller.store_ids) == ("T1", frozenset({till.store_id}))
    assert caller.scopes == {"redeem", "quote"}


def test_a_code_is_good_once(till: Terminal) -> None:
    code = code_for(till)
    enrol_by_code(code=code, address=HERE, at=NOON)
    assert refusal_of(code) == "enrolment_code_invalid"
    assert Credential.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        str.lower,
        lambda it: it.replace("-", " "),
        lambda it: f" {it}\t",
        lambda it: "".join(chr(ord(character) + 0xFEE0) for character in it),
    ],
    ids=["lower case", "blanks", "blanks around", "full width"],
)
def test_a_code_may_be_typed_carelessly(till: Terminal, change: object) -> None:
    assert callable(change)
    assert opens(change(code_for(till)))


def test_a_zero_typed_as_a_letter_is_the_zero(till: Terminal) -> None:
    assert opens(code_for(till).replace("0", "O").replace("1", "l"))


def test_a_code_ends_and_a_newer_one_takes_its_place(till: Terminal) -> None:
    old, new = code_for(till), code_for(till)
    assert refusal_of(old) == "enrolment_code_invalid"
    assert refusal_of(new, hours=24) == "enrolment_code_invalid"
    assert opens(new)


@pytest.mark.parametrize("part", ["terminal", "store", "merchant"])
def test_a_code_of_what_is_suspended_opens_nothing(till: Terminal, part: str) -> None:
    code = code_for(till)
    rows: dict[str, Terminal | Store | Merchant] = {
        "terminal": till,
        "store": till.store,
        "merchant": till.store.merchant,
    }
    rows[part].state = State.SUSPENDED
    rows[part].save(update_fields=["state"])
    assert refusal_of(code) == "enrolment_code_invalid"


def test_a_till_that_is_enrolled_again_stays_the_same_caller_and_its_old_key_ends(
    till: Terminal,
) -> None:
    first = enrol_by_code(code=code_for(till), address=HERE, at=NOON)
    later = NOON + timedelta(minutes=1)
    second = enrol_by_code(code=code_for(till), address=HERE, at=later)
    assert second.credential == first.credential
    assert authenticate(first.key_text, at=later) is None
    assert authenticate(second.key_text, at=later) is not None


def stopped(credential: Credential, state: State) -> None:
    if state == State.CLOSED:
        set_credential_state(credential=credential, state=state.value)
    else:
        stops.suspend(row=credential, why="lost", by=cast.ren(), at=NOON, until_at=None)


@pytest.mark.parametrize("state", [State.SUSPENDED, State.CLOSED])
def test_a_till_that_was_stopped_cannot_enrol_itself_again(till: Terminal, state: State) -> None:
    enrolled = enrol_by_code(code=code_for(till), address=HERE, at=NOON)
    unused = code_for(till)
    stopped(enrolled.credential, state)
    assert not EnrolmentCode.objects.filter(used_at=None).exists(), "its open code is void"
    assert refusal_of(unused) == "enrolment_code_invalid"
    assert refusal_of(code_for(till)) == "enrolment_code_invalid", "nor by a newer code"
    assert authenticate(enrolled.key_text, at=NOON) is None
    assert Credential.objects.count() == 1


def test_a_till_that_may_act_again_is_enrolled_by_a_code_made_before(till: Terminal) -> None:
    first = enrol_by_code(code=code_for(till), address=HERE, at=NOON)
    stopped(first.credential, State.SUSPENDED)
    code = code_for(till)
    refusal_of(code)
    stops.lift(row=first.credential, why="found", by=cast.ren(), at=NOON)
    assert opens(code)


def test_a_sandbox_code_outlives_the_suspension_of_the_live_till(till: Terminal) -> None:
    live = enrol_by_code(code=code_for(till), address=HERE, at=NOON)
    test = code_for(till, is_test=True)
    stopped(live.credential, State.SUSPENDED)
    assert opens(test)


def test_live_and_test_codes_of_a_till_stand_side_by_side(till: Terminal) -> None:
    live, test = code_for(till), code_for(till, is_test=True)
    assert enrol_by_code(code=live, address=HERE, at=NOON).key_text.startswith("vk_live_")
    assert enrol_by_code(code=test, address=HERE, at=NOON).key_text.startswith("vk_test_")


def test_wrong_codes_are_counted_by_address_and_then_even_a_right_one_waits(
    till: Terminal,
) -> None:
    code = code_for(till)
    for number in range(WRONG_PER_HOUR):
        assert refusal_of(f"WRONG{number}") == "enrolment_code_invalid"
    assert EnrolmentGuess.objects.get().wrong == WRONG_PER_HOUR
    assert refusal_of(code) == "rate_limited"
    assert not EnrolmentCode.objects.get().used_at
    assert opens(code, address="203.0.113.8"), "another till is not stopped"


def test_after_the_hour_the_address_may_try_again(till: Terminal) -> None:
    code = code_for(till)
    for number in range(WRONG_PER_HOUR):
        refusal_of(f"WRONG{number}")
    assert opens(code, hours=1)


@pytest.mark.parametrize("scopes", [[], ["everything"]])
def test_a_code_without_a_known_scope_is_not_made(till: Terminal, scopes: list[str]) -> None:
    with pytest.raises(Refused, match="credential_incomplete"):
        make_code(terminal=till, scopes=scopes, valid_s=DAY_S, at=NOON)
    assert not EnrolmentCode.objects.exists()
