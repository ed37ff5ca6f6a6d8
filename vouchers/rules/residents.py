"""Which residents a key may see: a live one the city's, one of the sandbox its own. Pure."""

from typing import Final, Protocol, TypeVar

SANDBOX: Final = "test-"
"""Every resident that a sandbox key registers is numbered so, and no other."""


class Numbered(Protocol):
    """Anything that has the number of a resident."""

    @property
    def external_id(self) -> str: ...


Person = TypeVar("Person", bound=Numbered)


def is_numbered_for(number: str, *, is_test: bool) -> bool:
    """Whether a number is one of the sandbox, or of the city, as the key that names it is."""
    return number.startswith(SANDBOX) == is_test


def are_apart(one: Numbered, other: Numbered) -> bool:
    """Whether one of the two is of the sandbox and the other of the city."""
    return one.external_id.startswith(SANDBOX) != other.external_id.startswith(SANDBOX)


def resident_of(found: Person | None, *, is_test: bool) -> Person | None:
    """The resident on file, as the caller sees them: one from across the sandbox's boundary is as
    if absent."""
    if found is None or not is_numbered_for(found.external_id, is_test=is_test):
        return None
    return found
