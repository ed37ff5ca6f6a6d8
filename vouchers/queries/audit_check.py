"""What a check of the rows is: a statement that selects those that break it.

A check is of its own kind rather than a constraint's shadow: it reads every row again, whatever
constraint, trigger or service was to keep it right. Large tables are joined whole (hash joins),
never row by row.
"""

from dataclasses import dataclass

from vouchers.states import RedemptionState

LIVE = f"({RedemptionState.AUTHORISED.value}, {RedemptionState.CAPTURED.value})"
USED = f"({RedemptionState.CAPTURED.value}, {RedemptionState.REFUNDED.value})"

SHARES = """
    (SELECT alike.split, (share->>0)::bigint AS source_id, (share->>1)::bigint AS fen
       FROM (SELECT DISTINCT split FROM vouchers_redemption
              WHERE jsonb_typeof(split) = 'array' OFFSET 0) AS alike
      CROSS JOIN jsonb_array_elements(alike.split) AS share)
"""
"""Each source's share in every split there is: equal splits are unfolded once. Join on `split`."""


@dataclass(frozen=True, slots=True)
class Check:
    """`text` selects the broken rows in columns `columns`; `says` is what holds when none is."""

    invariant: int
    name: str
    says: str
    columns: tuple[str, ...]
    text: str
