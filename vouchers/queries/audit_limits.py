"""Audit checks of the exact limits and of their counters (invariants 4, 8 and 9)."""

from django.utils.translation import gettext_noop as _

from vouchers.queries.audit_check import LIVE, Check
from vouchers.states import CapKind

_DAY = "r.business_day - DATE '1970-01-01'"
_COUNTED = {
    CapKind.RESIDENT_DAY: ("r.resident_id", _DAY),
    # 1970-01-01 was a Thursday; the window is named by its Monday.
    CapKind.RESIDENT_WEEK: ("r.resident_id", f"{_DAY} - ({_DAY} + 3) %% 7"),
    CapKind.RESIDENT_CAMPAIGN: ("r.resident_id", "0"),
    CapKind.STORE_MINUTE: ("r.store_id", "floor(extract(epoch FROM r.redeemed_at) / 60)::bigint"),
    CapKind.STORE_DAY: ("r.store_id", _DAY),
    CapKind.MERCHANT_DAY: ("r.merchant_id", _DAY),
    CapKind.MERCHANT_CAMPAIGN: ("r.merchant_id", "0"),
}
_RECOUNT = " UNION ALL ".join(
    f"""
    SELECT {kind.value} AS kind, r.campaign_id, {subject} AS subject_id,
           ({window})::bigint AS window_no,
           count(*) AS used_count, sum(r.discount_fen)::bigint AS used_fen
      FROM vouchers_redemption r
      JOIN vouchers_caprule k ON k.campaign_id = r.campaign_id AND k.kind = {kind.value}
     WHERE r.state IN {LIVE} GROUP BY 1, 2, 3, 4
    """
    for kind, (subject, window) in _COUNTED.items()
)
COUNTERS_TIE = Check(
    4,
    "counters_are_their_rows",
    _("every cap counter is the count and the sum of its live redemptions"),
    ("kind", "campaign", "subject", "window", "counted", "rows", "counted_fen", "rows_fen"),
    f"""
    WITH recount AS ({_RECOUNT})
    SELECT kind, campaign_id, subject_id, window_no, COALESCE(c.used_count, 0),
           COALESCE(n.used_count, 0), COALESCE(c.used_fen, 0), COALESCE(n.used_fen, 0)
      FROM (SELECT * FROM vouchers_capcounter
             WHERE kind IN ({", ".join(str(kind.value) for kind in _COUNTED)})) AS c
      FULL JOIN recount n USING (kind, campaign_id, subject_id, window_no)
     WHERE (COALESCE(c.used_count, 0), COALESCE(c.used_fen, 0))
           <> (COALESCE(n.used_count, 0), COALESCE(n.used_fen, 0))
    """,
)


def _within_limits(invariant: int, name: str, says: str, kinds: tuple[CapKind, ...]) -> Check:
    """Of the counters alone: that they are their rows is `COUNTERS_TIE`."""
    listed = ", ".join(str(kind.value) for kind in kinds)
    return Check(
        invariant,
        name,
        says,
        ("kind", "campaign", "subject", "window", "used", "limit", "used_fen", "limit_fen"),
        f"""
        SELECT c.kind, c.campaign_id, c.subject_id, c.window_no, c.used_count, k.limit_count,
               c.used_fen, k.limit_fen
          FROM vouchers_capcounter c
          JOIN vouchers_caprule k ON (k.campaign_id, k.kind) = (c.campaign_id, c.kind)
         WHERE c.kind IN ({listed})
           AND (c.used_count > k.limit_count OR c.used_fen > k.limit_fen)
        """,
    )


RESIDENT_LIMITS = _within_limits(
    8,
    "resident_limits",
    _("nobody got more than a resident may"),
    (CapKind.RESIDENT_DAY, CapKind.RESIDENT_WEEK, CapKind.RESIDENT_CAMPAIGN),
)
STORE_LIMITS = _within_limits(
    9,
    "store_limits",
    _("no store or merchant went beyond its limits"),
    (CapKind.STORE_MINUTE, CapKind.STORE_DAY, CapKind.MERCHANT_DAY, CapKind.MERCHANT_CAMPAIGN),
)
LIMIT_CHECKS = (COUNTERS_TIE, RESIDENT_LIMITS, STORE_LIMITS)
