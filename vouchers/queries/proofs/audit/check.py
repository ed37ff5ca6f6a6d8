"""A check of the rows: an SQL statement that selects those that break it.

A check does not trust the guards: it reads every row again, whatever constraint, trigger or service
should have prevented the fault. Large tables are joined whole (hash joins), never row by row.
"""

from dataclasses import dataclass
from typing import NamedTuple

from vouchers.states import RedemptionState

LIVE = f"({RedemptionState.AUTHORISED.value}, {RedemptionState.CAPTURED.value})"
USED = f"({RedemptionState.CAPTURED.value}, {RedemptionState.REFUNDED.value})"

# An invalid share drops out here and is missed where it is joined. Asking for its type also says
# the planner how few shares there are; it would take every split for a hundred of them.
SHARES = """
    (SELECT alike.split, (share->>0)::bigint AS source_id, (share->>1)::bigint AS fen
       FROM (SELECT split
               FROM (SELECT split FROM vouchers_redemption GROUP BY split OFFSET 0) AS every
              WHERE jsonb_typeof(split) = 'array' OFFSET 0) AS alike
      CROSS JOIN jsonb_array_elements(alike.split) AS share
      WHERE jsonb_typeof(share) = 'array')
"""
"""Each source's share in every split there is: equal splits are unfolded once. Join on `split`."""

# Characters without a shape: controls, soft hyphen, zero-width and direction marks.
_SHAPELESS = r"[\u0001-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]"
IS_ODD = "!~ '^[!-~]([ -~]*[!-~])?$'"
"""After a column: it breaks the form of numbers (`merchants/references`)."""


def folded(column: str) -> str:
    """SQL of a number as it is compared: `A-1` and `a-1` are one."""
    return f"upper({column})"


def look_of(column: str) -> str:
    """SQL of a number as a person reads it, whatever characters it is made of."""
    plain = f"regexp_replace(normalize({column}, NFKC), '{_SHAPELESS}', '', 'g')"
    return f"upper(btrim({plain}))"


class CheckTitle(NamedTuple):
    """Heading of a check: its invariant, its name, and the statement proved when it selects no
    row."""

    invariant: int
    name: str
    statement: str


@dataclass(frozen=True, slots=True)
class Scan:
    """Checks that share the reading of large tables.

    `text` selects the name of the check that a row breaks, then columns `columns`.
    """

    checks: tuple[CheckTitle, ...]
    columns: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Check:
    """`text` selects the broken rows in columns `columns`; `description` is the statement proved
    when there is none."""

    invariant: int
    name: str
    statement: str
    columns: tuple[str, ...]
    text: str

    @property
    def scan(self) -> Scan:
        """The check alone."""
        alone = (CheckTitle(self.invariant, self.name, self.statement),)
        text = f"SELECT '{self.name}', broken.* FROM ({self.text}) AS broken"
        return Scan(alone, self.columns, text)
