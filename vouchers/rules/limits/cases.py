"""Cases (核查单): which signals belong together, how grave a case is, who may decide on it. Pure.

A case gathers the signals of live rules about one subject, of one rule of one campaign, within one
week. It is decided once: cleared, or confirmed as fraud.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final, NamedTuple, Protocol

from merchants.errors import Refusal
from vouchers.rules.limits.limits import window_no
from vouchers.states import CaseState, LimitKind, RiskVerdict


class CaseSeverity(IntEnum):
    """How grave a case is."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


MANY_SIGNALS: Final = 50
MUCH_FEN: Final = 500_000
"""From so many signals, or so much subsidy, a case is of high severity."""

TIME_FOR: Final[Mapping[CaseSeverity, timedelta]] = {
    CaseSeverity.HIGH: timedelta(days=1),
    CaseSeverity.MEDIUM: timedelta(days=3),
    CaseSeverity.LOW: timedelta(days=7),
}
"""How long a case may take, from the moment it is that grave."""


class CaseKey(NamedTuple):
    """What the signals of a case have in common; sorts in the locking order."""

    campaign_id: int
    kind: str
    subject: str
    subject_id: int
    window_no: int


class Noticed(Protocol):
    """A signal as it is sorted into a case."""

    @property
    def campaign_id(self) -> int: ...
    @property
    def zone(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def subject_id(self) -> int: ...
    @property
    def verdict(self) -> str: ...
    @property
    def raised_at(self) -> datetime: ...
    @property
    def discount_fen(self) -> int: ...


class Standing(NamedTuple):
    """How a case stands: what it is measured by, and until when it is to be decided."""

    severity: CaseSeverity
    signals: int
    subsidy_fen: int
    deadline_at: datetime


def next_officer(open_cases: Mapping[int, int]) -> int | None:
    """Who gets a new case: of officers, with how many open cases each has, the one with the fewest;
    among those the one of the lowest number. None where there are no officers."""
    return min(open_cases, key=lambda officer: (open_cases[officer], officer), default=None)


def key_of(signal: Noticed) -> CaseKey:
    """The case a signal belongs to. A device or a person may be at many stores, so that the store
    is not part of it."""
    week = window_no(LimitKind.STORE_WEEK, signal.raised_at, signal.zone)
    return CaseKey(signal.campaign_id, signal.kind, signal.subject, signal.subject_id, week)


def standing_with(before: Standing | None, signals: Sequence[Noticed], at: datetime) -> Standing:
    """The case with `signals` added to it; None before the first. It never becomes less grave, and
    a graver one has to be decided sooner."""
    count = len(signals) + (before.signals if before else 0)
    subsidy_fen = sum(one.discount_fen for one in signals) + (before.subsidy_fen if before else 0)
    severity = max(
        before.severity if before else CaseSeverity.LOW,
        severity_of(count, subsidy_fen, (one.verdict for one in signals)),
    )
    deadline_at = at + TIME_FOR[severity]
    if before is not None:
        is_graver = severity > before.severity
        deadline_at = min(before.deadline_at, deadline_at) if is_graver else before.deadline_at
    return Standing(severity, count, subsidy_fen, deadline_at)


def severity_of(signals: int, subsidy_fen: int, verdicts: Iterable[str]) -> CaseSeverity:
    """High by number or money, medium where a rule held or refused, else low."""
    if signals >= MANY_SIGNALS or subsidy_fen >= MUCH_FEN:
        return CaseSeverity.HIGH
    has_effect = any(verdict != RiskVerdict.PAY for verdict in verdicts)
    return CaseSeverity.MEDIUM if has_effect else CaseSeverity.LOW


class Seen(NamedTuple):
    """What an officer saw of a case when deciding: the number of acts and of signals."""

    acts: int
    signals: int


def judge_act(*, state: CaseState, acts: int, seen_acts: int) -> Refusal | None:
    """None where an officer may act: the case is open, and no other officer acted meanwhile."""
    if state is not CaseState.OPEN:
        return Refusal("case_changed", "case_open", {"state": state.value})
    if acts != seen_acts:
        return Refusal("case_changed", "case_as_seen", {"acts": acts - seen_acts})
    return None


def judge_decision(
    *, state: CaseState, acts: int, signals: int, seen: Seen, reason: str
) -> Refusal | None:
    """None where the case may be decided: all it holds was seen, and a reason is given."""
    if refusal := judge_act(state=state, acts=acts, seen_acts=seen.acts):
        return refusal
    if signals != seen.signals:
        return Refusal("case_changed", "case_signals_seen", {"count": signals - seen.signals})
    if not reason.strip():
        return Refusal("case_changed", "case_reason")
    return None
