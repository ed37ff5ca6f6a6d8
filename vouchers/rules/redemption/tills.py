"""Which till an order is made at: the enrolled one whose key it is, else the one it names. Pure."""

from collections.abc import Iterable
from typing import NamedTuple, Self

from merchants.references import folded


class Till(NamedTuple):
    """The till of an order.

    `code` is that of a till on file, and empty where the order names none: the store's till without
    a number. `stray` is a number that no till of the store has; whoever invents numbers stays
    within that one till. `is_off`: the till that the order names is not active.
    """

    code: str
    stray: str = ""
    is_off: bool = False

    @property
    def as_evidence(self) -> str:
        """What is kept of it with the redemption."""
        return self.code or self.stray

    @classmethod
    def of(cls, *, enrolled: str, named: str, on_file: Iterable[tuple[str, bool]]) -> Self:
        """`enrolled`: the code of the till whose key it is, empty for other keys. `on_file`: tills
        of the store by code, and whether they are active; of two that differ only in case, the one
        that is spelt as the order spells it is meant."""
        alike = (till for till in on_file if folded(till[0]) == folded(named))
        by_spelling = sorted(alike, key=lambda till: till[0] != named)
        code, is_active = by_spelling[0] if by_spelling else ("", True)
        is_off = not is_active
        if enrolled:
            return cls(enrolled, is_off=is_off)
        return cls(code, "" if code else named, is_off)
