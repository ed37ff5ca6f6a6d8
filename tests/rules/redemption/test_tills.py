"""Which till an order is made at."""

import pytest

from vouchers.rules.redemption.tills import Till

ON_FILE = [("T1", True), ("t1", False), ("T2", False), ("K9", True)]


@pytest.mark.parametrize(
    ("enrolled", "named", "till", "evidence"),
    [
        ("T1", "", Till("T1"), "T1"),
        ("T1", "X0", Till("T1"), "T1"),
        ("", "", Till(""), ""),
        ("", "k9", Till("K9"), "K9"),
        ("", "X0", Till("", "X0"), "X0"),
        ("", "T2", Till("T2", is_off=True), "T2"),
        # An enrolled till that names another one.
        ("T1", "T2", Till("T1", is_off=True), "T1"),
        # Two tills that differ in case alone: the spelling decides, and without it the first.
        ("", "T1", Till("T1"), "T1"),
        ("", "t1", Till("t1", is_off=True), "t1"),
    ],
)
def test_the_till_whose_key_it_is_else_the_one_named_if_it_is_on_file(
    enrolled: str, named: str, till: Till, evidence: str
) -> None:
    assert Till.of(enrolled=enrolled, named=named, on_file=ON_FILE) == till
    assert till.as_evidence == evidence
