"""The limit counters of redemptions and claims: locked, read with those of merged residents, and
added to.

A person's counters are locked before they are read. Those of a store or merchant are not: every
batch has orders of the stores in greatest demand, so that one batch would wait for the other from
here to its commit. What was read of them decides, the row's CHECK refuses what it did not show, and
the batch runs again.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from vouchers.models.limits.limits import ADD_TO_COUNTERS, READ_COUNTERS
from vouchers.models.locks import LIMIT_COUNTER, LOCK_COUNTERS
from vouchers.models.residents.residents import FIND_SAME_PEOPLE, FIND_STATES
from vouchers.rules.limits.limits import (
    NOTHING_USED,
    SHARED,
    CounterKey,
    LimitRule,
    Used,
    counters_of_person,
)
from vouchers.sql.pipeline import pipeline, raw_connection
from vouchers.sql.statements import Result
from vouchers.sql.wire import Wire

SamePeople = Mapping[int, Sequence[int]]
"""By resident: the others that live merges declare to be the same person."""


@dataclass(frozen=True, slots=True)
class AskedCounters:
    """The statements of `lock_and_ask`, whose rows are read after the pipeline."""

    keys: Sequence[CounterKey]
    counters: Result[Any]
    merges: Result[tuple[int, int]]
    residents: Result[Any] | None
    for_update: bool

    def read(self) -> tuple[dict[CounterKey, Used], SamePeople, dict[int, str]]:
        """What the counters hold, the residents merged with each holder, and the states of
        residents not read yet."""
        same_people = _by_resident(self.merges.rows())
        rows = self.counters.rows()
        if fresh := sorted(set(with_members(self.keys, same_people)).difference(self.keys)):
            with pipeline() as raw:
                lock_counters(raw, fresh if self.for_update else ())
                counters = READ_COUNTERS.send(raw, counter_columns(fresh))
            rows = [*rows, *counters.rows()]
        used = {CounterKey(*row[:4]): Used(row[4], row[5]) for row in rows}
        states = {row[0]: row[1] for row in self.residents.rows()} if self.residents else {}
        return used, same_people, states


def lock_and_ask(
    raw: Wire,
    keys: Sequence[CounterKey],
    holders: Collection[int],
    unseen: Collection[int],
    *,
    for_update: bool = True,
) -> AskedCounters:
    """Lock counters and ask what they hold, whom the holders are merged with, and the states of
    residents not read yet.

    Merges are read once the holder's own counter is locked, by a statement of its own: a redemption
    by the same person has committed by then, and a later one sees the merge. `keys`, in the common
    order, hold the counters of the members of merges known before. Those of a merge that came
    meanwhile, or of a holder whose voucher a proxy shows, are locked when the answers are read, out
    of that order; if that deadlocks, the batch runs again. Without `for_update` nothing is locked.
    """
    lock_counters(raw, keys if for_update else ())
    return AskedCounters(
        keys=keys,
        counters=READ_COUNTERS.send(raw, counter_columns(keys)),
        merges=FIND_SAME_PEOPLE.send(raw, {"resident_ids": sorted(holders)}),
        residents=FIND_STATES.send(raw, {"resident_ids": sorted(unseen)}) if unseen else None,
        for_update=for_update,
    )


def find_same_people(resident_ids: Iterable[int]) -> SamePeople:
    """Merges as they stand before anything of the residents is locked."""
    found = FIND_SAME_PEOPLE.send(raw_connection(), {"resident_ids": sorted(resident_ids)})
    return _by_resident(found.rows())


def with_members(keys: Iterable[CounterKey], same_people: SamePeople) -> list[CounterKey]:
    """Counters, and those of the same people beside them, in the common order."""
    every = (counters_of_person(key, same_people.get(key.subject_id, ())) for key in keys)
    return sorted(set(chain.from_iterable(every)))


def counter_columns(keys: Sequence[CounterKey]) -> dict[str, list[int]]:
    """Counter keys as the parameters every counter statement takes."""
    return {
        "kinds": [key.kind for key in keys],
        "campaign_ids": [key.campaign_id for key in keys],
        "subject_ids": [key.subject_id for key in keys],
        "window_nos": [key.window_no for key in keys],
    }


def lock_counters(raw: Wire, keys: Sequence[CounterKey]) -> None:
    """Lock the counters that are not shared, in ascending order of their advisory keys."""
    owned = [key for key in keys if key.kind not in SHARED]
    LOCK_COUNTERS.send(raw, {"keys": sorted(LIMIT_COUNTER.key(*key) for key in owned)})


def send_taken(
    raw: Wire, taken: Iterable[tuple[Iterable[tuple[CounterKey, LimitRule]], int]]
) -> None:
    """Add to counters what acts have taken: of each the counters with their limits, and fen. The
    last of a batch, since others wait for a store's counters from here to the commit."""
    added: dict[CounterKey, Used] = defaultdict(lambda: NOTHING_USED)
    limits: dict[CounterKey, LimitRule] = {}
    for counters, fen in taken:
        for key, rule in counters:
            so_far = added[key]
            added[key] = Used(so_far.redemptions + 1, so_far.fen + fen)
            limits[key] = rule
    keys = sorted(added)
    if not keys:
        return
    ADD_TO_COUNTERS.send(
        raw,
        {
            **counter_columns(keys),
            "counts": [added[key].redemptions for key in keys],
            "fens": [added[key].fen for key in keys],
            "limit_counts": [limits[key].limit_count for key in keys],
            "limit_fens": [limits[key].limit_fen for key in keys],
        },
    )


def _by_resident(pairs: Iterable[tuple[int, int]]) -> SamePeople:
    same_people: dict[int, list[int]] = {}
    for resident_id, other_id in pairs:
        same_people.setdefault(resident_id, []).append(other_id)
    return same_people
