"""The codes of a batch while it is judged: what its earlier requests have used and got wrong."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from django.conf import settings

from merchants.errors import Refusal
from vouchers.rules.issuing.codes import encode
from vouchers.rules.redemption.shown import (
    COUNTED_AS_WRONG,
    Shown,
    Way,
    Wrong,
    WrongKey,
    judge_pause,
)
from vouchers.services.redemption.batch_known import Pending
from vouchers.services.redemption.shown import CodeFacts, counted_for

SLOWED: Final = "slowed"


class CodeBook:
    """Adds up what the requests of one batch do to codes and counters."""

    def __init__(self, facts: CodeFacts) -> None:
        self._facts = facts
        self._wrong = dict(facts.wrong)
        self._used: set[int] = set()
        self._tries: Counter[int] = Counter()

    def pause(self, pending: Pending, store_id: int) -> Refusal | None:
        """Whether key, store or voucher have to wait after too many wrong codes."""
        at = pending.request.at
        keys = counted_for(pending.code, pending.request.caller, store_id=store_id, at=at)
        found = {key: self._wrong[key] for key in keys if key in self._wrong}
        return judge_pause(found, at, free=settings.HUIMIN_WRONG_CODES) if found else None

    def shown(self, pending: Pending) -> Shown:
        """The request's code as it stands by now."""
        shown = self._facts.of(pending.code, pending.request.order)
        if shown.way is Way.PRESENTED and shown.row_id in self._used:
            return replace(shown, is_used=True)
        if shown.way is Way.PAPER:
            return replace(shown, wrong_count=shown.wrong_count + self._tries[shown.row_id])
        return shown

    def note_use(self, presentation_id: int | None) -> None:
        """A presentation has redeemed."""
        if presentation_id is not None:
            self._used.add(presentation_id)

    def note_refusal(self, pending: Pending, refusal: Refusal, store_id: int) -> Sequence[WrongKey]:
        """The counters that a refusal counts in; none where the code was no guess."""
        if refusal.rule not in COUNTED_AS_WRONG:
            return ()
        if is_wrong_try(refusal):
            self._tries[pending.code.row_id] += 1
        at = pending.request.at
        keys = counted_for(pending.code, pending.request.caller, store_id=store_id, at=at)
        for key in keys:
            so_far = self._wrong.get(key, Wrong(0, at))
            self._wrong[key] = Wrong(so_far.codes + 1, max(so_far.last_at, at))
        return keys


def is_slowed(refusal: Refusal) -> bool:
    """Whether the request has to wait; that answer is not stored under its key."""
    return refusal.rule == SLOWED


def is_wrong_try(refusal: Refusal) -> bool:
    """Whether a paper was tried with wrong digits."""
    return refusal.rule == "paper_digits"


def printed(voucher_id: int) -> str:
    """The voucher's own code, by which it is answered however it was shown."""
    return encode(voucher_id, settings.HUIMIN_CODE_KEY)
