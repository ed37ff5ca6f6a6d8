"""Audit checks of the tallies that risk rules look at (invariant 9).

Tallies are recounted where their rule was in force from before the campaign's first vouchers were
valid on and never off; elsewhere the rows don't show from which of them on it counted. Campaigns
whose clock was moved in the sandbox are left out as well. Stores, merchants and shoppers are
recounted one by one. Tills, devices and pairs, which tallies name by hashes, are recounted together
in each window. Voided redemptions count: figures never fall.
"""

from collections.abc import Iterable
from typing import NamedTuple

from django.utils.translation import gettext_noop as _

from vouchers.queries.proofs.audit.check import Check, folded
from vouchers.states import RiskKind, RiskSetting, TallyKind

_DAY = "r.business_day - DATE '1970-01-01'"
_MINUTE = "floor(extract(epoch FROM r.redeemed_at) / 60)::bigint"
_TOGETHER = "0"


class _Recount(NamedTuple):
    """How tallies of a kind are recounted from redemptions `r`; `of` is the rule that has them
    counted."""

    kind: TallyKind
    of: RiskKind
    subject: str
    window: str


_RECOUNTS = (
    _Recount(TallyKind.TERMINAL_MINUTE, RiskKind.TERMINAL_MINUTE, _TOGETHER, _MINUTE),
    _Recount(TallyKind.MERCHANT_DAY, RiskKind.MERCHANT_DAY, "r.merchant_id", _DAY),
    _Recount(TallyKind.STORE_DAY, RiskKind.THRESHOLD_HUGGING, "r.store_id", _DAY),
    _Recount(TallyKind.HOLDER_STORE, RiskKind.SPLIT_ORDERS, _TOGETHER, "0"),
    _Recount(TallyKind.SHOPPER, RiskKind.IMPOSSIBLE_TRAVEL, "r.shown_by_id", "0"),
    _Recount(TallyKind.TERMINAL_DAY, RiskKind.FEW_PEOPLE, _TOGETHER, _DAY),
    _Recount(TallyKind.STORE, RiskKind.REFUND_RATE, "r.store_id", "0"),
)
_KINDS = ", ".join(f"('{it.of.value}', {it.kind.value})" for it in _RECOUNTS)
_NAMED = ", ".join(str(it.kind.value) for it in _RECOUNTS if it.subject != _TOGETHER)


def _by_kind(values: Iterable[tuple[TallyKind, str]]) -> str:
    whens = " ".join(f"WHEN {kind.value} THEN ({value})::bigint" for kind, value in values)
    return f"CASE counted.kind {whens} END"


_SUBJECT = _by_kind((it.kind, it.subject) for it in _RECOUNTS)
_WINDOW = _by_kind((it.kind, it.window) for it in _RECOUNTS)

# Versions keep the rules of the one before, so a rule that is in one is in all that follow. Nothing
# is redeemed before the first tranche is valid.
_SINCE = f"""
    ruled AS (
        SELECT v.campaign_id, item->>'kind' AS rule, min(v.in_force_at) AS from_at
          FROM vouchers_riskversion v CROSS JOIN jsonb_array_elements(v.rules) AS item
         GROUP BY 1, 2 HAVING bool_and(item->>'setting' <> '{RiskSetting.OFF.value}')),
    since AS (
        SELECT ruled.campaign_id, rule
          FROM ruled JOIN (SELECT campaign_id, min(valid_from_at) AS first_at
                             FROM vouchers_tranche GROUP BY 1) AS issued USING (campaign_id)
         WHERE from_at < first_at - interval '1 minute'
           AND campaign_id NOT IN (SELECT campaign_id FROM vouchers_sandboxclock))
"""
# A redemption's amount when the voucher was taken: a capture may have lowered it since.
TALLIES_TIE = Check(
    9,
    "tallies_are_their_rows",
    _("every tally of a rule in force is the count and the sum of the redemptions it was told of"),
    ("kind", "campaign", "subject", "window", "tallied", "rows", "tallied_fen", "rows_fen"),
    f"""
    WITH {_SINCE},
    counted AS (
        SELECT since.campaign_id, recount.kind
          FROM since JOIN (VALUES {_KINDS}) AS recount(rule, kind) USING (rule)),
    tallied AS (
        SELECT t.kind, t.campaign_id,
               CASE WHEN t.kind IN ({_NAMED}) THEN t.subject_id ELSE 0 END AS subject_id,
               t.window_no, sum(t.used_count)::bigint AS used_count,
               sum(t.used_fen)::bigint AS used_fen, max(t.last_at) AS last_at
          FROM vouchers_risktally t JOIN counted USING (campaign_id, kind)
         GROUP BY 1, 2, 3, 4),
    recount AS (
        SELECT counted.kind, r.campaign_id, {_SUBJECT} AS subject_id, {_WINDOW} AS window_no,
               count(*) AS used_count,
               sum(COALESCE(r.authorised_fen, r.discount_fen))::bigint AS used_fen,
               max(r.redeemed_at) AS last_at
          FROM vouchers_redemption r JOIN counted USING (campaign_id)
         WHERE counted.kind <> {TallyKind.SHOPPER.value} OR r.order_kind = 'in_store'
         GROUP BY 1, 2, 3, 4)
    SELECT kind, campaign_id, subject_id, window_no, t.used_count, n.used_count,
           t.used_fen, n.used_fen
      FROM tallied t FULL JOIN recount n USING (kind, campaign_id, subject_id, window_no)
     WHERE (t.used_count, t.used_fen, t.last_at)
           IS DISTINCT FROM (n.used_count, n.used_fen, n.last_at)
    """,
)

# The tally of pairs, each counted once, and the one beside it that says how many pairs there are.
_PAIRS = {
    TallyKind.DEVICE_HOLDER: TallyKind.DEVICE_HOLDERS,
    TallyKind.TERMINAL_SHOPPER_DAY: TallyKind.TERMINAL_SHOPPERS_DAY,
    TallyKind.TERMINAL_STORE_DAY: TallyKind.TERMINAL_STORES_DAY,
}
_SUMS = ", ".join(f"({of.value}, {pairs.value})" for of, pairs in _PAIRS.items())
PAIRS_TIE = Check(
    9,
    "tallied_pairs_tie",
    _("of a device's people, a till's people and a till's stores each is tallied once"),
    ("kind", "campaign", "window", "pairs", "counted"),
    f"""
    WITH sums AS (
        SELECT kind, campaign_id, window_no, sum(used_count) AS counted, max(used_count) AS most
          FROM vouchers_risktally GROUP BY 1, 2, 3)
    SELECT pair.kind, COALESCE(of.campaign_id, whole.campaign_id),
           COALESCE(of.window_no, whole.window_no), COALESCE(of.counted, 0),
           COALESCE(whole.counted, 0)
      FROM (VALUES {_SUMS}) AS pair(kind, counts)
     CROSS JOIN LATERAL (SELECT DISTINCT campaign_id, window_no FROM sums
                          WHERE kind IN (pair.kind, pair.counts)) AS window_of
      LEFT JOIN sums of ON of.kind = pair.kind
            AND (of.campaign_id, of.window_no) = (window_of.campaign_id, window_of.window_no)
      LEFT JOIN sums whole ON whole.kind = pair.counts
            AND (whole.campaign_id, whole.window_no) = (window_of.campaign_id, window_of.window_no)
     WHERE COALESCE(of.counted, 0) <> COALESCE(whole.counted, 0) OR of.most <> 1
    """,
)
DEVICES_TIE = Check(
    9,
    "tallied_devices",
    _("the people tallied of devices are those whose redemptions named them, proxies aside"),
    ("campaign", "tallied", "rows"),
    f"""
    WITH {_SINCE},
    named AS (
        SELECT r.campaign_id,
               count(DISTINCT ({folded("r.device")}, r.resident_id))
               FILTER (WHERE r.device <> '' AND r.shown_by_id = r.resident_id) AS people
          FROM vouchers_redemption r JOIN since USING (campaign_id)
         WHERE since.rule = '{RiskKind.DEVICE_SHARED.value}' GROUP BY 1),
    tallied AS (
        SELECT campaign_id, sum(used_count) AS people FROM vouchers_risktally
         WHERE kind = {TallyKind.DEVICE_HOLDERS.value} GROUP BY 1)
    SELECT n.campaign_id, COALESCE(t.people, 0), n.people
      FROM named n LEFT JOIN tallied t USING (campaign_id)
     WHERE COALESCE(t.people, 0) <> n.people
    """,
)
REFUNDS_TIE = Check(
    9,
    "tallied_refunds",
    _("the refunded redemptions tallied of a store are those that had a refund"),
    ("campaign", "store", "tallied", "rows"),
    f"""
    WITH {_SINCE},
    refunded AS (
        SELECT r.campaign_id, r.store_id, count(DISTINCT r.id) AS redemptions
          FROM vouchers_refund f
          JOIN vouchers_redemption r ON r.id = f.redemption_id
          JOIN since ON since.campaign_id = r.campaign_id
                    AND since.rule = '{RiskKind.REFUND_RATE.value}'
         GROUP BY 1, 2),
    tallied AS (
        SELECT t.campaign_id, t.subject_id AS store_id, t.used_count AS redemptions
          FROM vouchers_risktally t JOIN since ON since.campaign_id = t.campaign_id
                    AND since.rule = '{RiskKind.REFUND_RATE.value}'
         WHERE t.kind = {TallyKind.STORE_REFUNDS.value})
    SELECT campaign_id, store_id, t.redemptions, n.redemptions
      FROM tallied t FULL JOIN refunded n USING (campaign_id, store_id)
     WHERE COALESCE(t.redemptions, 0) <> COALESCE(n.redemptions, 0)
    """,
)
TALLY_CHECKS = (TALLIES_TIE, PAIRS_TIE, DEVICES_TIE, REFUNDS_TIE)
