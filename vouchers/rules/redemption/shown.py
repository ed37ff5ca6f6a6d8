"""What was shown at the till: the voucher's printed code, a code for once, or a paper. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from merchants.errors import Refusal
from vouchers.states import WrongCodeKind

PRESENTED_FOR: Final = timedelta(seconds=60)
PAPER_TRIES: Final = 5


class Way(StrEnum):
    """How a voucher is shown."""

    PRINTED = "printed"
    PRESENTED = "presented"
    PAPER = "paper"


@dataclass(frozen=True, slots=True)
class Shown:
    """A code as it stands under the lock of its voucher. `row_id` is that of the presentation or
    paper; the fields after it are of one way only."""

    way: Way = Way.PRINTED
    row_id: int = 0
    # Presented: until when, whether it has redeemed, and whether the till named another resident.
    expires_at: datetime | None = None
    is_used: bool = False
    is_of_another: bool = False
    # Paper: wrong tries so far, whether a later paper took its place, whether the digits are right.
    wrong_count: int = 0
    is_replaced: bool = False
    digits_match: bool = False


PRINTED: Final = Shown()


def judge_shown(shown: Shown, at: datetime) -> Refusal | None:
    """Whether the code is good at `at`, whatever the voucher. But for a paper that is locked, the
    rule is stored and not answered, so that expired, used and forged codes read alike."""
    if shown.way is Way.PRESENTED:
        return _judge_presented(shown, at)
    if shown.way is Way.PAPER:
        return _judge_paper(shown)
    return None


def _judge_presented(shown: Shown, at: datetime) -> Refusal | None:
    if shown.is_used:
        return Refusal("voucher_not_usable", "presentation_used")
    if shown.expires_at is None or at >= shown.expires_at:
        return Refusal("voucher_not_usable", "presentation_expired")
    if shown.is_of_another:
        return Refusal("voucher_not_usable", "presentation_of_another")
    return None


def _judge_paper(shown: Shown) -> Refusal | None:
    if shown.is_replaced:
        return Refusal("voucher_not_usable", "paper_replaced")
    if shown.wrong_count >= PAPER_TRIES:
        return Refusal("too_many_wrong_codes", "paper_locked", {"tries": PAPER_TRIES})
    if not shown.digits_match:
        return Refusal("voucher_not_usable", "paper_digits")
    return None


COUNTED_AS_WRONG: Final = frozenset(
    {
        "voucher_unknown",
        "resident_unknown",
        "holder_or_proxy",
        "paper_digits",
        "presentation_of_another",
    }
)
"""Rules of refusals that may be guesses. Codes that were genuine once are none."""

WINDOW: Final = timedelta(hours=1)
_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_SLOWEST_S: Final = 60


class WrongKey(NamedTuple):
    """Whose wrong codes of which hour. Sorts in the writing order."""

    kind: int
    subject_id: int
    window_no: int


class Wrong(NamedTuple):
    """How many wrong codes there were, and the time of the last."""

    codes: int
    last_at: datetime


FREE: Final[Mapping[WrongCodeKind, int]] = {
    WrongCodeKind.TERMINAL: 1,
    WrongCodeKind.CALLER: 50,
    WrongCodeKind.STORE: 5,
    WrongCodeKind.VOUCHER: 1,
}
"""How many times a terminal's wrong codes in an hour cost a subject nothing. A terminal's key is
one till; any other key speaks for many."""


def window_no(at: datetime) -> int:
    """The hour, counted from 1970 in UTC."""
    return (at - _EPOCH) // WINDOW


def pause_s(wrong: Wrong, at: datetime, *, free: int) -> int:
    """For how many seconds more a subject has to wait at `at`; 0 for not at all.

    After the free ones each wrong code doubles the wait, from 2 s up to a minute; after twice as
    many it lasts to the end of the hour.
    """
    over = wrong.codes - free
    if over < 0:
        return 0
    ends_at = _EPOCH + (window_no(at) + 1) * WINDOW
    if over < free:
        ends_at = wrong.last_at + timedelta(seconds=min(2 ** min(over + 1, 6), _SLOWEST_S))
    return max(0, -int((at - ends_at).total_seconds() // 1))


def judge_pause(wrongs: Mapping[WrongKey, Wrong], at: datetime, *, free: int) -> Refusal | None:
    """Whether one of the subjects has to wait, because of too many wrong codes in this hour; `free`
    of them cost a terminal nothing."""
    waits_s = [
        pause_s(wrong, at, free=free * FREE[WrongCodeKind(key.kind)])
        for key, wrong in wrongs.items()
        if key.window_no == window_no(at)
    ]
    wait_s = max(waits_s, default=0)
    return Refusal("too_many_wrong_codes", "slowed", {"wait_s": wait_s}) if wait_s else None
