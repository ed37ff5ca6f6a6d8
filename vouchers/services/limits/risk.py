"""Risk rules on a batch of redemptions: tallies locked and read, looked at, written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from vouchers.models.limits.risk import FIND_PLACES, READ_TALLIES, WRITE_TALLIES
from vouchers.models.locks import LOCK_COUNTERS, RISK_TALLY
from vouchers.rules.limits.risk import Finding, findings_on, verdict_on
from vouchers.rules.limits.risk_rules import RuleSet
from vouchers.rules.limits.tallies import (
    LOCKED,
    NOTHING_SEEN,
    Place,
    RiskCase,
    Seen,
    Tally,
    TallyKey,
    counted,
    redemptions_of,
)
from vouchers.sql.pipeline import pipeline
from vouchers.sql.statements import Result
from vouchers.sql.wire import Wire
from vouchers.states import RiskKind, TallyKind

KEY_COLUMNS = ("kinds", "campaign_ids", "subject_ids", "window_nos")
FIGURE_COLUMNS = ("counts", "fens", "ats", "store_ids")
"""Parameters of statements, in the order of the fields of a key and of a tally."""

OF_PLACES = frozenset({RiskKind.STORE_DISTANCE, RiskKind.IMPOSSIBLE_TRAVEL})

Cases = Sequence[RiskCase | None]
"""By request what its campaign's rules look at; None where none is in force, or it is refused
before they are asked."""


class RiskFacts(NamedTuple):
    """The cases of a batch, the tallies they look at, and the places of the stores concerned."""

    cases: Cases
    tallies: Mapping[TallyKey, Tally]
    places: Mapping[int, Place]


@dataclass(frozen=True, slots=True)
class AskedTallies:
    """The statements of `lock_and_ask_tallies`, whose rows are read after the pipeline."""

    cases: Cases
    tallies: Result[tuple[TallyKey, Tally]] | None = None
    places: Result[tuple[int, float, float]] | None = None

    def facts(self) -> RiskFacts:
        """The facts, from the answers of the pipeline."""
        return RiskFacts(
            self.cases,
            dict(self.tallies.rows()) if self.tallies else {},
            {store_id: Place(*place) for store_id, *place in self.places.rows()}
            if self.places
            else {},
        )


def lock_and_ask_tallies(raw: Wire, cases: Cases, *, for_update: bool = True) -> AskedTallies:
    """Lock tallies and ask for them, after the limit counters; nothing is sent where no rule is in
    force. Without `for_update` nothing is locked."""
    looked_at = [case for case in cases if case is not None]
    if not looked_at:
        return AskedTallies(cases)
    keys = list({key for case in looked_at for key in case.keys.values()})
    located = [c for c in looked_at if any(rule.kind in OF_PLACES for rule in c.rules.rules)]
    if for_update:
        lock_tallies(raw, keys)
    return AskedTallies(
        cases,
        READ_TALLIES.send(raw, tally_columns(keys)),
        FIND_PLACES.send(raw, _store_ids(located, keys)) if located else None,
    )


def _store_ids(cases: Iterable[RiskCase], keys: Iterable[TallyKey]) -> dict[str, Sequence[int]]:
    """The stores of the orders, and by their shoppers' tallies those they were at before."""
    shoppers = [key for key in keys if key.kind == TallyKind.SHOPPER]
    return {
        "store_ids": sorted({case.store_id for case in cases}),
        **tally_columns(shoppers),
    }


def lock_tallies(raw: Wire, keys: Sequence[TallyKey]) -> None:
    """Lock tallies in ascending order of their advisory keys; those of kinds that are not locked
    themselves are guarded by others among them."""
    locked = [RISK_TALLY.key(*key) for key in keys if key.kind in LOCKED]
    LOCK_COUNTERS.send(raw, {"keys": sorted(locked)})


def tally_columns(keys: Sequence[TallyKey]) -> dict[str, Sequence[int]]:
    """Tally keys as the parameters every tally statement takes."""
    columns: Iterable[Sequence[int]] = zip(*keys, strict=True) if keys else [()] * len(KEY_COLUMNS)
    return dict(zip(KEY_COLUMNS, columns, strict=True))


def write_tallies(raw: Wire, changed: Mapping[TallyKey, Tally]) -> None:
    """Write tallies as they stand now; their locks are held."""
    keys = sorted(changed)
    if keys:
        figures = zip(*(changed[key] for key in keys), strict=True)
        columns = dict(zip(FIGURE_COLUMNS, figures, strict=True))
        WRITE_TALLIES.send(raw, {**tally_columns(keys), **columns})


def lock_refunds(rules: RuleSet | None, key: TallyKey) -> Tally | None:
    """A store's tally of refunds, locked after the limit counters; None where no rule looks."""
    if rules is None or all(rule.kind is not RiskKind.REFUND_RATE for rule in rules.rules):
        return None
    with pipeline() as raw:
        lock_tallies(raw, [redemptions_of(key.campaign_id, key.subject_id)])
        found = READ_TALLIES.send(raw, tally_columns([key]))
    return next((tally for _, tally in found.rows()), NOTHING_SEEN)


def count_refund(key: TallyKey, before: Tally) -> None:
    """Count one redemption more that was refunded."""
    with pipeline() as raw:
        write_tallies(raw, {key: before._replace(redemptions=before.redemptions + 1)})


class RiskJudge:
    """Looks at the cases of a batch in turn, adding up what its earlier redemptions have done."""

    def __init__(self, facts: RiskFacts) -> None:
        self._facts = facts
        self._tallies = dict(facts.tallies)
        self._seen: dict[int, Seen] = {}
        self._findings: dict[int, list[Finding]] = {}
        # What has to be written.
        self.changed: dict[TallyKey, Tally] = {}

    def look(self, number: int, discount_fen: int) -> Finding | None:
        """Ask the rules about a redemption that everything else allows; the finding that decides
        about it, or None where it is simply paid."""
        case = self._facts.cases[number]
        if case is None:
            return None
        seen = Seen.of(case, discount_fen, self._tallies, self._facts.places)
        self._seen[number] = seen
        self._findings[number] = findings_on(case, seen)
        return verdict_on(self._findings[number])

    def count(self, number: int) -> None:
        """Count an accepted redemption, right after it was looked at."""
        case = self._facts.cases[number]
        if case is not None:
            after = counted(case, self._seen[number])
            self._tallies.update(after)
            self.changed.update(after)

    def findings(self, number: int) -> Sequence[Finding]:
        """What the rules noticed about it."""
        return self._findings.get(number, ())

    def case(self, number: int) -> RiskCase | None:
        """The case that the rules looked at."""
        return self._facts.cases[number]
