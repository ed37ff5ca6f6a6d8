"""Audit checks of the exact limits and of their counters (invariants 4, 8 and 9)."""

from django.utils.translation import gettext_noop as _

from vouchers.queries.proofs.audit.check import LIVE, Check
from vouchers.states import LimitKind

_DAY = "r.business_day - DATE '1970-01-01'"
_WINDOWS = {
    "MINUTE": "floor(extract(epoch FROM r.redeemed_at) / 60)::bigint",
    "DAY": _DAY,
    # 1970-01-01 was a Thursday; the window is named by its Monday.
    "WEEK": f"{_DAY} - ({_DAY} + 3) %% 7",
    "CAMPAIGN": "0",
}
_SUBJECTS = {
    "RESIDENT": "r.resident_id",
    "STORE": "r.store_id",
    "MERCHANT": "r.merchant_id",
    "LINK": "link.number",
}


def _recount(kind: LimitKind) -> str:
    """Usage of one kind, recounted from the rows: live redemptions, and their subsidy without what
    refunds have called back. A redemption counts for each link it was made with."""
    subject, window = kind.name.split("_")
    if subject == "CLAIM":
        return _recount_claims(kind, window)
    links = "CROSS JOIN LATERAL unnest(r.links) AS link(number)" if subject == "LINK" else ""
    return f"""
    SELECT {kind.value} AS kind, r.campaign_id, {_SUBJECTS[subject]} AS subject_id,
           ({_WINDOWS[window]})::bigint AS window_no,
           count(*) AS used_count, sum(r.discount_fen - COALESCE(f.fen, 0))::bigint AS used_fen
      FROM vouchers_redemption r
      JOIN vouchers_limitrule k ON k.campaign_id = r.campaign_id AND k.kind = {kind.value}
      LEFT JOIN refunded f ON f.redemption_id = r.id {links}
     WHERE r.state IN {LIVE} GROUP BY 1, 2, 3, 4
    """


def _recount_claims(kind: LimitKind, window: str) -> str:
    """The same of claims, each for every link it was made with: vouchers, and their face."""
    day = "(c.claimed_at AT TIME ZONE m.zone)::date - DATE '1970-01-01'"
    windows = {"DAY": day, "WEEK": f"{day} - ({day} + 3) %% 7", "CAMPAIGN": "0"}
    return f"""
    SELECT {kind.value} AS kind, t.campaign_id, link.number AS subject_id,
           ({windows[window]})::bigint AS window_no,
           count(*) AS used_count, sum(t.face_fen)::bigint AS used_fen
      FROM vouchers_claim c
      JOIN vouchers_tier t ON t.id = c.tier_id
      JOIN vouchers_campaign m ON m.id = t.campaign_id
      JOIN vouchers_limitrule k ON k.campaign_id = t.campaign_id AND k.kind = {kind.value}
     CROSS JOIN LATERAL unnest(c.links) AS link(number)
     GROUP BY 1, 2, 3, 4
    """


COUNTERS_TIE = Check(
    4,
    "counters_are_their_rows",
    _("every limit counter is the count and the sum of its live redemptions, or claims"),
    ("kind", "campaign", "subject", "window", "counted", "rows", "counted_fen", "rows_fen"),
    f"""
    WITH refunded AS (SELECT redemption_id, sum(clawback_fen)::bigint AS fen
                        FROM vouchers_refund GROUP BY redemption_id),
         recount AS ({" UNION ALL ".join(map(_recount, LimitKind))})
    SELECT kind, campaign_id, subject_id, window_no, COALESCE(c.used_count, 0),
           COALESCE(n.used_count, 0), COALESCE(c.used_fen, 0), COALESCE(n.used_fen, 0)
      FROM vouchers_limitcounter c
      FULL JOIN recount n USING (kind, campaign_id, subject_id, window_no)
     WHERE (COALESCE(c.used_count, 0), COALESCE(c.used_fen, 0))
           <> (COALESCE(n.used_count, 0), COALESCE(n.used_fen, 0))
    """,
)
LINKS_NOTED = Check(
    8,
    "links_noted",
    _("a redemption notes its links where its campaign limits them, each once, and nowhere else"),
    ("redemption", "campaign", "links"),
    f"""
    WITH limiting AS (SELECT DISTINCT campaign_id FROM vouchers_limitrule WHERE kind IN
                     ({", ".join(str(kind.value) for kind in LimitKind if "LINK" in kind.name)}))
    SELECT r.id, r.campaign_id, r.links::text
      FROM vouchers_redemption r
      LEFT JOIN limiting USING (campaign_id)
     WHERE (r.links IS NULL) <> (limiting.campaign_id IS NULL)
        OR cardinality(r.links) <> (SELECT count(DISTINCT number) FROM unnest(r.links) AS number)
    """,
)


def _within_limits(invariant: int, name: str, statement: str, *subjects: str) -> Check:
    """Of the counters alone: that they are their rows is `COUNTERS_TIE`."""
    kinds = [kind for kind in LimitKind if kind.name.split("_")[0] in subjects]
    listed = ", ".join(str(kind.value) for kind in kinds)
    return Check(
        invariant,
        name,
        statement,
        ("kind", "campaign", "subject", "window", "used", "limit", "used_fen", "limit_fen"),
        f"""
        SELECT c.kind, c.campaign_id, c.subject_id, c.window_no, c.used_count, k.limit_count,
               c.used_fen, k.limit_fen
          FROM vouchers_limitcounter c
          JOIN vouchers_limitrule k ON (k.campaign_id, k.kind) = (c.campaign_id, c.kind)
         WHERE c.kind IN ({listed})
           AND (c.used_count > k.limit_count OR c.used_fen > k.limit_fen)
        """,
    )


RESIDENT_LIMITS = _within_limits(
    8, "resident_limits", _("no resident got more than a resident may"), "RESIDENT"
)
LINK_LIMITS = _within_limits(
    8,
    "link_limits",
    _("no device, phone, card or account was used more than it may be"),
    "LINK",
    "CLAIM",
)
STORE_LIMITS = _within_limits(
    9, "store_limits", _("no store or merchant went beyond its limits"), "STORE", "MERCHANT"
)
LIMIT_CHECKS = (COUNTERS_TIE, RESIDENT_LIMITS, LINK_LIMITS, LINKS_NOTED, STORE_LIMITS)
