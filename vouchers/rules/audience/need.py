"""A need score with stated weights: points for what is on file about a resident, added up. Pure.

The weights are terms of a campaign: approved, frozen, and printed on the review page. What is not
on file counts nothing, so that a gap in a register neither helps nor is guessed. Every weight is
positive: having more of what counts never moves a resident back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

SCORE: Final = "need_score"
"""Counts for each point of the score on file, which may be negative; the others count once."""
AGES: Final[Mapping[str, int]] = {"age_60": 60, "age_80": 80}
"""Years completed in the calendar year of the distribution; who is 80 has both."""
ANSWERS: Final = ("is_registered", "has_residence_permit")
TAG: Final = "tag_"
"""Before the number of a tag."""
TAG_BITS: Final = 64
MOST_POINTS: Final = 1_000

NAMES: Final = (SCORE, *AGES, *ANSWERS, *(f"{TAG}{bit}" for bit in range(TAG_BITS)))
"""All attributes that can be weighed, in the order of display."""


class InvalidWeightError(ValueError):
    """A weight of something unknown, or out of range; `args` are its rule and its name."""


@dataclass(frozen=True, slots=True, eq=False)
class NeedFacts:
    """What is on file of residents, in columns; `need_score` and `birth_year` are 0 where unknown,
    the answers False."""

    need_score: Ints
    birth_year: Ints
    is_registered: Flags
    has_residence_permit: Flags
    tags: Ints


@dataclass(frozen=True, slots=True)
class NeedWeights:
    """Points by name, in the order of `NAMES`. Without any the score on file is the need."""

    points: Mapping[str, int]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """From a campaign's `need_weights`; raises InvalidWeightError."""
        for name, points in document.items():
            if name not in NAMES:
                raise InvalidWeightError("need_weight_known", name)
            if type(points) is not int or not 0 < points <= MOST_POINTS:
                raise InvalidWeightError("need_weight_in_range", name)
        return cls({name: document[name] for name in NAMES if name in document})

    def need(self, facts: NeedFacts, *, year: int) -> Ints:
        """The points of each resident in a calendar year."""
        if not self.points:
            return facts.need_score.astype(np.int64)
        total = np.zeros(facts.need_score.size, dtype=np.int64)
        for name, points in self.points.items():
            total += points * _counted(name, facts, year)
        return total


def _counted(name: str, facts: NeedFacts, year: int) -> Ints:
    """How often a resident gets the points of a name."""
    if name == SCORE:
        return facts.need_score.astype(np.int64)
    if name in AGES:
        is_of_age = (facts.birth_year > 0) & (year - facts.birth_year >= AGES[name])
        return is_of_age.astype(np.int64)
    if name in ANSWERS:
        answers: Flags = getattr(facts, name)
        return answers.astype(np.int64)
    return (facts.tags >> int(name.removeprefix(TAG))) & 1
