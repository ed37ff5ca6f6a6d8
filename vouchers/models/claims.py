"""Claims (领取): who asked for a voucher first, and on what evidence they got one; offers."""

from datetime import datetime
from typing import Any, ClassVar, NamedTuple

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from merchants.models import Credential, StoreLocation
from vouchers.models.campaigns.campaigns import Round
from vouchers.models.issuing.runs import TRANCHE_MAX_VOUCHERS
from vouchers.models.ledger.funding import Tier
from vouchers.models.residents.residents import Resident, ResidentPoint
from vouchers.rules.residents import SANDBOX
from vouchers.sql.fields import Xid8Field
from vouchers.sql.statements import Statement
from vouchers.sql.triggers import append_only, own_transaction
from vouchers.states import CLAIMED_WAYS

SPOT = "spot"
PLACES = [*ResidentPoint.Kind.choices, (SPOT, _("where the claim was made"))]
_CLAIMED = ", ".join(f"'{way.value}'" for way in CLAIMED_WAYS)


class Claim(models.Model):
    """A voucher that a resident claimed in a round, and the place that made them eligible.

    Inserted just before its voucher, in one transaction. `number` counts a resident's claims of one
    tier in one round, from 1, through each channel where quota cells tell channels apart and
    through all together elsewhere (`channel` empty); what it may reach is the tier's
    `per_resident`. The columns that name other tables are checked by a trigger, since a foreign key
    would lock the same few rows for every claim.
    """

    round = models.ForeignKey(
        Round, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    tier = models.ForeignKey(
        Tier, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    resident = models.ForeignKey(
        Resident, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    channel = models.CharField(_("channel"), max_length=20, blank=True)
    number = models.PositiveSmallIntegerField(_("number"))
    voucher_id = models.BigIntegerField(_("voucher"), unique=True)
    caller = models.ForeignKey(
        Credential, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    place_kind = models.CharField(_("place"), max_length=6, choices=PLACES)
    store_location = models.ForeignKey(
        StoreLocation, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    distance_m = models.FloatField(_("distance, metres"))
    ring = models.CharField(_("ring"), max_length=8, blank=True)
    # HMAC-SHA256 over tranche, resident and the place, which itself is kept nowhere.
    commitment = models.BinaryField(_("commitment to the place"), max_length=32)
    claimed_at = models.DateTimeField(_("claimed at"))
    # Numbers of the links (device, phone, card, account) it was counted for; see rules/limits.
    links = ArrayField(models.BigIntegerField(), verbose_name=_("links"), null=True)
    xid = Xid8Field()

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["resident", "round", "tier", "channel", "number"],
                name="one_claim_per_number",
            )
        ]
        triggers: ClassVar = [
            *append_only("claim"),
            own_transaction("claim"),
            pgtrigger.Trigger(
                name="claim_within_its_offer",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="fresh"),  # type: ignore[no-untyped-call]
                declare=[("broken", "bigint")],
                func=f"""
                    SELECT f.voucher_id INTO broken FROM fresh f
                      LEFT JOIN vouchers_round r
                             ON r.id = f.round_id AND r.way IN ({_CLAIMED})
                            AND f.claimed_at >= r.opens_at AND f.claimed_at < r.closes_at
                      LEFT JOIN vouchers_tier t
                             ON t.id = f.tier_id AND t.campaign_id = r.campaign_id
                            AND f.number BETWEEN 1 AND t.per_resident
                      LEFT JOIN vouchers_campaign m ON m.id = r.campaign_id
                      LEFT JOIN merchants_storelocation s ON s.id = f.store_location_id
                      LEFT JOIN merchants_credential c
                             ON c.id = f.caller_id AND c.is_test = m.is_test
                     WHERE r.id IS NULL OR t.id IS NULL OR s.id IS NULL OR c.id IS NULL
                        OR m.is_test IS DISTINCT FROM (
                           SELECT p.external_id LIKE '{SANDBOX}%' FROM vouchers_resident p
                            WHERE p.id = f.resident_id)
                     LIMIT 1;
                    IF FOUND THEN
                        RAISE EXCEPTION 'the claim of voucher % is outside its offer', broken
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'claim_within_its_offer';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.resident_id} {self.voucher_id}"


class OfferRow(NamedTuple):
    """A tier in a round that is claimed, and the tranche its next vouchers go into, if one is
    open and not full."""

    campaign_id: int
    campaign: str
    is_test: bool
    state: str
    zone: str
    starts_at: datetime
    ends_at: datetime
    tier_id: int
    tier: str
    name: str
    face_fen: int
    threshold_fen: int
    per_resident: int
    round_id: int
    round: int
    opens_at: datetime
    closes_at: datetime
    way: str
    tranche_id: int | None
    valid_from_at: datetime | None
    valid_until_at: datetime | None
    paused_until_at: datetime | None


_OFFERS = f"""
    SELECT c.id, c.code, c.is_test, c.state, c.zone, c.starts_at, c.ends_at,
           t.id, t.code, t.name, t.face_fen, t.threshold_fen, t.per_resident,
           r.id, r.number, r.opens_at, r.closes_at, r.way,
           open.id, open.valid_from_at, open.valid_until_at, c.paused_until_at
      FROM {{wanted}}
      JOIN vouchers_tier t ON t.campaign_id = c.id {{tier}}
      JOIN vouchers_round r ON r.campaign_id = c.id AND r.way IN ({_CLAIMED})
      LEFT JOIN LATERAL (
           SELECT tr.id, tr.valid_from_at, tr.valid_until_at FROM vouchers_tranche tr
            WHERE tr.round_id = r.id AND tr.tier_id = t.id AND tr.shard_id IS NULL
              AND tr.state = 'outstanding' AND tr.voucher_count < {TRANCHE_MAX_VOUCHERS}
            ORDER BY tr.id DESC LIMIT 1) AS open ON true
"""


# All rounds of the tiers wanted, each named by its campaign's code and its own.
FIND_OFFERS = Statement(
    _OFFERS.format(
        wanted="unnest(%(campaigns)s::text[], %(tiers)s::text[]) AS wanted(campaign, tier)"
        " JOIN vouchers_campaign c ON c.code = wanted.campaign",
        tier="AND t.code = wanted.tier",
    ),
    OfferRow._make,
)
# What is open, or will be, at an instant: for the list of offers.
FIND_COMING_OFFERS = Statement(
    _OFFERS.format(wanted="vouchers_campaign c", tier="")
    + """
     WHERE c.is_test = %(is_test)s AND r.closes_at > %(at)s
       AND c.state IN ('scheduled', 'running', 'paused')
     ORDER BY r.opens_at, c.code, t.code
    """,
    OfferRow._make,
)


class ClaimedRow(NamedTuple):
    """How many of an offer a resident has claimed through one channel."""

    resident_id: int
    round_id: int
    tier_id: int
    channel: str
    claims: int


COUNT_CLAIMS = Statement(
    """
    SELECT c.resident_id, c.round_id, c.tier_id, c.channel, count(*)
      FROM unnest(%(resident_ids)s::bigint[]) AS wanted(id)
      JOIN vouchers_claim c
        ON c.resident_id = wanted.id AND c.round_id = ANY (%(round_ids)s::bigint[])
     GROUP BY 1, 2, 3, 4
    """,
    ClaimedRow._make,
)


class TrancheSize(NamedTuple):
    """A tranche locked for more vouchers, and how many it has."""

    id: int
    state: str
    voucher_count: int


LOCK_TRANCHES = Statement(
    """
    SELECT t.id, t.state, t.voucher_count FROM vouchers_tranche t
     WHERE t.id = ANY (%(tranche_ids)s::bigint[])
     ORDER BY t.id FOR NO KEY UPDATE
    """,
    TrancheSize._make,
)
GROW_TRANCHES: Statement[Any] = Statement(
    """
    UPDATE vouchers_tranche t SET voucher_count = t.voucher_count + wanted.count
      FROM unnest(%(tranche_ids)s::bigint[], %(counts)s::int[]) AS wanted(id, count)
     WHERE t.id = wanted.id
    """
)
CLAIM_COLUMNS = (
    "round_ids",
    "tier_ids",
    "resident_ids",
    "channels",
    "numbers",
    "voucher_ids",
    "caller_ids",
    "place_kinds",
    "store_location_ids",
    "distances",
    "rings",
    "commitments",
    "ats",
    "links",
)
INSERT_CLAIMS: Statement[Any] = Statement(
    """
    INSERT INTO vouchers_claim (round_id, tier_id, resident_id, channel, number, voucher_id,
                                caller_id, place_kind, store_location_id, distance_m, ring,
                                commitment, claimed_at, links)
    SELECT round_id, tier_id, resident_id, channel, number, voucher_id, caller_id, place_kind,
           store_location_id, distance_m, ring, commitment, claimed_at, links::bigint[]
      FROM unnest(
        %(round_ids)s::bigint[], %(tier_ids)s::bigint[], %(resident_ids)s::bigint[],
        %(channels)s::text[], %(numbers)s::smallint[], %(voucher_ids)s::bigint[],
        %(caller_ids)s::bigint[], %(place_kinds)s::text[], %(store_location_ids)s::bigint[],
        %(distances)s::float8[], %(rings)s::text[], %(commitments)s::bytea[],
        %(ats)s::timestamptz[], %(links)s::text[])
        AS fresh(round_id, tier_id, resident_id, channel, number, voucher_id, caller_id, place_kind,
                 store_location_id, distance_m, ring, commitment, claimed_at, links)
    """
)
