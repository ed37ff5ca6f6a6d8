"""What a check of the rows is: a statement that selects those that break it.

A check is of its own kind rather than a constraint's shadow: it reads every row again, whatever
constraint, trigger or service was to keep it right. Large tables are joined whole (hash joins),
never row by row.
"""

from dataclasses import dataclass

from vouchers.states import RedemptionState

LIVE = f"({RedemptionState.AUTHORISED.value}, {RedemptionState.CAPTURED.value})"


@dataclass(frozen=True, slots=True)
class Check:
    """`text` selects the broken rows in columns `columns`; `says` is what holds when none is."""

    invariant: int
    name: str
    says: str
    columns: tuple[str, ...]
    text: str
