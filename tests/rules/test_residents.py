"""The sandbox and the city do not see each other's residents."""

from dataclasses import dataclass

import pytest

from vouchers.rules.residents import resident_of


@dataclass(frozen=True)
class Person:
    external_id: str


@pytest.mark.parametrize(
    ("number", "is_test", "is_seen"),
    [
        ("alice", False, True),
        ("alice", True, False),
        ("test-alice", True, True),
        ("test-alice", False, False),
        ("TEST-alice", True, False),
    ],
)
def test_a_key_sees_the_residents_of_its_own_world(
    number: str, is_test: bool, is_seen: bool
) -> None:
    person = Person(number)
    assert resident_of(person, is_test=is_test) is (person if is_seen else None)


def test_an_unknown_resident_is_seen_by_no_key() -> None:
    assert resident_of(None, is_test=True) is resident_of(None, is_test=False) is None
