"""Audit checks of claims (invariants 1, 2, 4, 8 and 12)."""

from django.utils.translation import gettext_noop as _

from vouchers.models.claims import SPOT
from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.queries.proofs.audit.check import Check
from vouchers.states import RoundWay

CLAIMS_HAVE_VOUCHERS = Check(
    4,
    "claims_have_vouchers",
    _("every claim has the voucher of its holder, tier and round, and no other grew a tranche"),
    ("voucher", "claim"),
    f"""
    SELECT v.id, c.id
      FROM (SELECT v.id, v.resident_id, t.tier_id, t.round_id
              FROM vouchers_tranche t
              JOIN vouchers_voucher v
                ON v.id >= t.id << {SERIAL_BITS} AND v.id < (t.id + 1) << {SERIAL_BITS}
             WHERE t.shard_id IS NULL) v
      FULL JOIN vouchers_claim c
        ON c.voucher_id = v.id AND c.resident_id = v.resident_id AND c.tier_id = v.tier_id
       AND c.round_id = v.round_id
     WHERE v.id IS NULL OR c.id IS NULL
    """,
)
CLAIMS_WITHIN_LIMIT = Check(
    8,
    "claims_within_limit",
    _("no resident has claimed more of a tier in a round, through a channel, than one may"),
    ("round", "tier", "resident", "channel", "claims"),
    """
    SELECT c.round_id, c.tier_id, c.resident_id, c.channel, count(*)
      FROM vouchers_claim c JOIN vouchers_tier t ON t.id = c.tier_id
     GROUP BY 1, 2, 3, 4, t.per_resident
    HAVING count(*) > t.per_resident
    """,
)
CLAIMS_IN_TIME = Check(
    2,
    "claims_in_time",
    _("what was claimed was claimed while its campaign and its round, one that is claimed, lasted"),
    ("claim", "round", "claimed_at"),
    f"""
    SELECT c.id, c.round_id, c.claimed_at
      FROM vouchers_claim c
      LEFT JOIN vouchers_round r ON r.id = c.round_id
      LEFT JOIN vouchers_campaign m ON m.id = r.campaign_id
     WHERE r.way IS NULL OR r.way = '{RoundWay.RUN.value}'
        OR c.claimed_at < GREATEST(r.opens_at, m.starts_at)
        OR c.claimed_at >= LEAST(r.closes_at, m.ends_at)
    """,
)
CLAIMS_BY_CHANNEL = Check(
    8,
    "claims_by_channel",
    _("every claim came by a channel's key and counts by it where quotas tell channels apart"),
    ("claim", "caller", "channel"),
    """
    WITH apart AS (SELECT DISTINCT campaign_id FROM vouchers_quotacell WHERE channel IS NOT NULL)
    SELECT c.id, c.caller_id, c.channel
      FROM vouchers_claim c
      JOIN vouchers_round r ON r.id = c.round_id
      JOIN vouchers_campaign m ON m.id = r.campaign_id
      LEFT JOIN apart a ON a.campaign_id = m.id
      LEFT JOIN merchants_credential k
             ON k.id = c.caller_id AND k.kind = 'channel' AND k.is_test = m.is_test
     WHERE k.id IS NULL
        OR c.channel <> CASE WHEN a.campaign_id IS NULL THEN '' ELSE k.channel_code END
    """,
)
CLAIMS_AT_THEIR_PLACE = Check(
    12,
    "claims_at_their_place",
    _("a claim on the spot was judged by the position sent, every other by a place on file"),
    ("claim", "round", "place_kind"),
    f"""
    SELECT c.id, c.round_id, c.place_kind
      FROM vouchers_claim c JOIN vouchers_round r ON r.id = c.round_id
     WHERE (c.place_kind = '{SPOT}') <> (r.way = '{RoundWay.CLAIM_ON_SPOT.value}')
    """,
)
# A slice leaves out what no cell names; the district is the resident's, who may have moved since.
CLAIMS_IN_THEIR_SLICE = Check(
    1,
    "claims_in_their_slice",
    _("every claimed voucher counts in the cells of its round, tier, store, channel and day"),
    ("claim", "voucher", "allocation"),
    """
    SELECT c.id, v.id, a.id
      FROM vouchers_claim c
      JOIN vouchers_voucher v ON v.id = c.voucher_id
      JOIN vouchers_allocation a ON a.id = v.allocation_id
      JOIN vouchers_campaign m ON m.id = a.campaign_id
      JOIN merchants_credential k ON k.id = c.caller_id
      JOIN merchants_storelocation s ON s.id = c.store_location_id
     WHERE a.tier_id <> c.tier_id OR a.round_id <> c.round_id OR a.store_id <> s.store_id
        OR a.channel <> k.channel_code OR a.day <> (c.claimed_at AT TIME ZONE m.zone)::date
    """,
)
CLAIM_CHECKS = (
    CLAIMS_HAVE_VOUCHERS,
    CLAIMS_WITHIN_LIMIT,
    CLAIMS_IN_TIME,
    CLAIMS_BY_CHANNEL,
    CLAIMS_AT_THEIR_PLACE,
    CLAIMS_IN_THEIR_SLICE,
)
