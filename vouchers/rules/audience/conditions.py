"""The reasons against targeting that need no place: the sandbox's boundary, state, merges, consent,
exclusions, the filter.

One code for residents read from a snapshot and for those read by row. Pure.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vouchers.rules.audience.facts import (
    ANSWER_MASK,
    CONSENT,
    FROZEN,
    NO,
    OF_SANDBOX,
    OTHER_STATE,
    PERMIT_SHIFT,
    REGISTERED_SHIFT,
    STATE_MASK,
    UNKNOWN,
    YES,
    Facts,
    microseconds,
)
from vouchers.rules.audience.filters import AudienceFilter, Untargeted

Flags = NDArray[np.bool_]
Ids = NDArray[np.int64]

_NO_IDS: Final = np.empty(0, dtype=np.int64)


class Visits(NamedTuple):
    """Who came, ids ascending, and when last, in microseconds since 2000."""

    resident_id: Ids
    last_at: Ids


@dataclass(frozen=True, slots=True, eq=False)
class Conditions:
    """What a campaign, of the sandbox if it `is_test`, asks of a resident beside the place, at one
    instant.

    `merged` and `excluded` are ascending ids of residents who count as another one, and who are
    kept out of this campaign. `visits` are known where the filter asks for them.
    """

    wanted: AudienceFilter
    year: int
    at: datetime
    is_test: bool = False
    within_districts: tuple[int, ...] = ()
    merged: Ids = field(default_factory=lambda: _NO_IDS)
    excluded: Ids = field(default_factory=lambda: _NO_IDS)
    visits: Visits = field(default_factory=lambda: Visits(_NO_IDS, _NO_IDS))

    @property
    def attributes(self) -> frozenset[str]:
        """The columns `reasons` looks at, beside those that are always read."""
        wanted = self.wanted
        asked = {
            "birth_year": wanted.age_min is not None or wanted.age_max is not None,
            "district_id": bool(wanted.districts or self.within_districts),
            "street": bool(wanted.streets),
            "need_score": wanted.need_score_min is not None,
            "tags": bool(wanted.tags_all or wanted.tags_any),
        }
        return frozenset(name for name, is_asked in asked.items() if is_asked)

    def reasons(self, facts: Facts) -> NDArray[np.int8]:
        """Per resident TARGETED, or the first `Untargeted` that applies whatever the place."""
        found = np.zeros(len(facts), dtype=np.int8)
        state = facts.flags & STATE_MASK
        # From the last to the first: each overwrites what comes after it.
        if self.within_districts:
            within = np.isin(facts.attributes["district_id"], self.within_districts)
            found[~within] = Untargeted.OUTSIDE_DISTRICT
        found[~self._passes(facts)] = Untargeted.FILTERED
        found[is_among(facts.resident_id, self.excluded)] = Untargeted.EXCLUDED
        found[~self._consents(facts)] = Untargeted.NO_CONSENT
        found[is_among(facts.resident_id, self.merged)] = Untargeted.MERGED
        found[state == OTHER_STATE] = Untargeted.NOT_ACTIVE
        found[state == FROZEN] = Untargeted.FROZEN
        found[(facts.flags & OF_SANDBOX) != OF_SANDBOX * self.is_test] = Untargeted.SANDBOX
        return found

    def _consents(self, facts: Facts) -> Flags:
        consents: Flags = (facts.flags & CONSENT) != 0
        if "consented_at" in facts.attributes:
            consents &= facts.attributes["consented_at"] <= microseconds(self.at)
        return np.asarray(consents)

    def _passes(self, facts: Facts) -> Flags:
        wanted, columns = self.wanted, facts.attributes
        passes = np.ones(len(facts), dtype=np.bool_)
        if "birth_year" in self.attributes:
            birth_year = columns["birth_year"].astype(np.int32)
            age = self.year - birth_year
            passes &= birth_year != UNKNOWN
            passes &= age >= (wanted.age_min if wanted.age_min is not None else age)
            passes &= age <= (wanted.age_max if wanted.age_max is not None else age)
        if wanted.districts:
            passes &= np.isin(columns["district_id"], wanted.districts)
        if wanted.streets:
            passes &= np.isin(columns["street"], np.array(wanted.streets))
        if wanted.is_registered is not None:
            passes &= _answer(facts, REGISTERED_SHIFT) == (YES if wanted.is_registered else NO)
        if wanted.has_residence_permit is not None:
            passes &= _answer(facts, PERMIT_SHIFT) == (YES if wanted.has_residence_permit else NO)
        if wanted.need_score_min is not None:
            passes &= columns["need_score"] >= wanted.need_score_min
        if wanted.tags_all:
            mask = wanted.mask(wanted.tags_all)
            passes &= (columns["tags"] & mask) == mask
        if wanted.tags_any:
            passes &= (columns["tags"] & wanted.mask(wanted.tags_any)) != 0
        if wanted.asks_visits:
            passes &= self._visited(facts.resident_id)
        return passes

    def _visited(self, resident_id: Ids) -> Flags:
        """Who has come, or not, as is wanted."""
        wanted, visits = self.wanted, self.visits
        has_come = is_among(resident_id, visits.resident_id)
        fits = np.ones(resident_id.size, dtype=np.bool_)
        if wanted.is_first_time is not None:
            fits &= has_come != wanted.is_first_time
        last_at = np.zeros(resident_id.size, dtype=np.int64)
        last_at[has_come] = visits.last_at[
            np.searchsorted(visits.resident_id, resident_id[has_come])
        ]
        if wanted.last_visit_days_min is not None:
            fits &= has_come & (last_at <= self._days_ago(wanted.last_visit_days_min))
        if wanted.last_visit_days_max is not None:
            fits &= has_come & (last_at >= self._days_ago(wanted.last_visit_days_max))
        return fits

    def _days_ago(self, days: int) -> int:
        return microseconds(self.at - timedelta(days=days))


def _answer(facts: Facts, shift: int) -> NDArray[np.int16]:
    return np.asarray((facts.flags >> shift) & ANSWER_MASK)


def is_among(values: Ids, ascending: Ids) -> Flags:
    """Which values are in a list of few, ascending."""
    if not ascending.size:
        return np.zeros(values.size, dtype=np.bool_)
    places = np.minimum(np.searchsorted(ascending, values), ascending.size - 1)
    return np.asarray(ascending[places] == values)
