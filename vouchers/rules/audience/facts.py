"""What is on file about residents, in columns, the same from packed snapshots and rows. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]

# What `flags` holds: the state in two bits, then whether a live consent to targeting is on file,
# two answers of two bits each, and whether the resident is of the sandbox.
ACTIVE, FROZEN, OTHER_STATE = 0, 1, 2
STATE_MASK: Final = 3
CONSENT: Final = 4
UNKNOWN, NO, YES = 0, 1, 2
REGISTERED_SHIFT: Final = 3
PERMIT_SHIFT: Final = 5
OF_SANDBOX: Final = 128
ANSWER_MASK: Final = 3

POINT_KINDS: Final = ("home", "work", "recent")
"""In this order where two points of a resident are equally near."""

SENIOR_AGE: Final = 60
"""Years completed in the calendar year, from which a resident is a senior."""

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


def microseconds(at: datetime) -> int:
    """An instant as the column `consented_at` has it: microseconds since 2000 in UTC."""
    return (at - _EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """Residents, each once, in any order.

    `longitude_deg` and `latitude_deg` have a row for each of POINT_KINDS, NaN where there is no
    point. `attributes` holds the columns that were read of `district_id` and `birth_year` (0:
    unknown), `need_score`, `tags`, `street`, and `consented_at` (microseconds since 2000, the
    greatest number where there is no consent); that one is left out where every consent of the
    block is older than the instant judged by.
    """

    resident_id: Ids
    bucket: NDArray[np.int16]
    flags: NDArray[np.int16]
    longitude_deg: Floats
    latitude_deg: Floats
    attributes: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return self.resident_id.size

    def take(self, rows: NDArray[Any]) -> Self:
        """Copies of these rows, by position or by a mask."""
        return type(self)(
            self.resident_id[rows],
            self.bucket[rows],
            self.flags[rows],
            self.longitude_deg[:, rows],
            self.latitude_deg[:, rows],
            {name: values[rows] for name, values in self.attributes.items()},
        )

    @classmethod
    def joined(cls, parts: "Sequence[Facts]") -> "Facts":
        """One after another; without any attribute that some of them lack."""
        if len(parts) == 1:
            return parts[0]
        common = set.intersection(*(set(part.attributes) for part in parts)) if parts else set()
        nowhere = np.empty((len(POINT_KINDS), 0))
        return cls(
            np.concatenate([np.empty(0, np.int64), *(part.resident_id for part in parts)]),
            np.concatenate([np.empty(0, np.int16), *(part.bucket for part in parts)]),
            np.concatenate([np.empty(0, np.int16), *(part.flags for part in parts)]),
            np.concatenate([nowhere, *(part.longitude_deg for part in parts)], axis=1),
            np.concatenate([nowhere, *(part.latitude_deg for part in parts)], axis=1),
            {
                name: np.concatenate([part.attributes[name] for part in parts])
                for name in sorted(common)
            },
        )
