"""What the clients sent and were answered, with the times: all that the checker knows of them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

YES = "yes"


class Kind(StrEnum):
    """What a client may do."""

    QUOTE = "quote"
    REDEEM = "redeem"
    AUTHORISE = "authorise"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    REVERSE = "reverse"
    PRESENT = "present"
    CLAIM = "claim"


KEYLESS = frozenset({Kind.QUOTE, Kind.PRESENT})
"""They take no idempotency key: sent again, each is another act."""

USING = frozenset({Kind.REDEEM, Kind.AUTHORISE})
"""They make redemptions."""


@dataclass(frozen=True)
class Entry:
    """An act from its first sending to the answer that stands, in seconds of one monotonic clock.

    `hand` is the resident whose vouchers it is about; `sent` the fields of its body, with the
    number of the redemption, or the code of the voucher, that is in its path. Of an act without a
    key only the last sending counts.
    """

    kind: Kind
    hand: str
    key: str
    sent: Mapping[str, Any]
    began_s: float
    ended_s: float
    status: int
    body: bytes

    @cached_property
    def answer(self) -> dict[str, Any]:
        """The decoded body."""
        decoded: dict[str, Any] = msgspec.json.decode(self.body)
        return decoded

    @property
    def code(self) -> str:
        """Of a refusal its code, otherwise yes."""
        return YES if self.status < 400 else str(self.answer["code"])

    @property
    def is_yes(self) -> bool:
        """Whether it was done."""
        return self.code == YES

    @property
    def is_stored(self) -> bool:
        """Whether the answer is kept under the key: "sold out" may be different a moment later."""
        return self.kind not in KEYLESS and self.code != "sold_out"

    def __str__(self) -> str:
        where = f"{self.began_s:.3f}–{self.ended_s:.3f} s"
        return f"{self.kind} {self.key} {dict(self.sent)} at {where} → {self.code}"


class Repeat(NamedTuple):
    """A further answer to an entry that was sent once more after it had been answered."""

    key: str
    status: int
    body: bytes


@dataclass
class Log:
    """Everything that was sent, in the order of the answers.

    `unknown` counts the sendings without an answer that stands, by what came instead; `resolved`
    the acts that were answered in a later sending. `broken` are answers that no server may give.
    """

    entries: list[Entry] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)
    sendings: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    resolved: int = 0
    broken: list[str] = field(default_factory=list)

    def yeses(self, *kinds: Kind) -> list[Entry]:
        """What was acknowledged, of some kinds."""
        return [entry for entry in self.entries if entry.kind in kinds and entry.is_yes]

    @property
    def histories(self) -> dict[str, list[Entry]]:
        """Entries by the hand they are about."""
        found: dict[str, list[Entry]] = {}
        for entry in self.entries:
            found.setdefault(entry.hand, []).append(entry)
        return found
