"""Statements that read what a redemption has to know of campaigns, stores and participation."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Self

from vouchers.sql.statements import Statement


class StoreRow(NamedTuple):
    """A store and whether it and its merchant are open; if not, when the suspension of both is over
    by the clock, None where a person has to end it."""

    id: int
    external_id: str
    merchant_id: int
    merchant: str
    is_open: bool
    category: str
    suspended_until_at: datetime | None = None


# Stores `s` of the numbers (folded) wanted, each among its own list of merchants: the text of a
# bigint[], since an array of arrays must be a rectangle. A store wanted twice comes twice.
WANTED_STORES = """
      FROM unnest(%(store_nos)s::text[], %(merchant_ids)s::text[])
        AS wanted(store_no, merchant_ids)
      JOIN merchants_store s ON upper(s.external_id) = wanted.store_no
       AND s.merchant_id = ANY (wanted.merchant_ids::bigint[])"""

# Of store `s` and its merchant `m`. Only what is suspended has an end.
STORE_COLUMNS = """s.id, s.external_id, s.merchant_id, m.code,
           s.state = 'active' AND m.state = 'active', s.category,
           CASE WHEN s.state = 'active' OR m.state = 'active'
                  OR s.suspended_until_at IS NOT NULL AND m.suspended_until_at IS NOT NULL
                THEN GREATEST(s.suspended_until_at, m.suspended_until_at) END"""

FIND_STORES = Statement(
    f"""
    SELECT {STORE_COLUMNS}
    {WANTED_STORES}
      JOIN merchants_merchant m ON m.id = s.merchant_id
    """,
    StoreRow._make,
)


class CampaignRow(NamedTuple):
    """A campaign's switches as they stand now, its limits and its accounts."""

    id: int
    code: str
    state: str
    zone: str
    is_test: bool
    excluded_categories: list[str]
    order_kinds: list[str]
    order_numbers: list[str]
    authorise_ttl_s: int
    presence_required: bool
    # [[kind, limit_count, limit_fen], …]
    limits: list[list[int | None]]
    # [[source id, source code, account kind, account id], …]
    accounts: list[list[Any]]
    # [version id, number, rules] of the risk rules in force.
    risk: list[Any] | None
    paused_until_at: datetime | None


FIND_CAMPAIGNS = Statement(
    """
    SELECT c.id, c.code, c.state, c.zone, c.is_test, c.excluded_categories, c.order_kinds,
           c.order_numbers, c.authorise_ttl_s, c.presence_required,
           COALESCE((SELECT jsonb_agg(jsonb_build_array(r.kind, r.limit_count, r.limit_fen)
                                      ORDER BY r.kind)
                       FROM vouchers_limitrule r WHERE r.campaign_id = c.id), '[]'),
           COALESCE((SELECT jsonb_agg(jsonb_build_array(a.source_id, s.code, a.kind, a.id))
                       FROM vouchers_account a JOIN vouchers_fundingsource s ON s.id = a.source_id
                      WHERE a.campaign_id = c.id), '[]'),
           (SELECT jsonb_build_array(v.id, v.number, v.rules) FROM vouchers_riskversion v
             WHERE v.campaign_id = c.id ORDER BY v.number DESC LIMIT 1),
           c.paused_until_at
      FROM vouchers_campaign c
     WHERE c.id IN (SELECT t.campaign_id FROM unnest(%(tranche_ids)s::bigint[]) AS wanted(id)
                      JOIN vouchers_tranche t ON t.id = wanted.id)
    """,
    CampaignRow._make,
    is_binary=True,
)


class ParticipationRow(NamedTuple):
    """One period in which a store takes part in a campaign."""

    campaign_id: int
    store_id: int
    category: str
    valid_from_at: datetime
    valid_until_at: datetime | None


class TerminalRow(NamedTuple):
    """A till of a store, and whether it is active."""

    code: str
    is_active: bool


class StorePeriod(NamedTuple):
    """A store, those of its tills that were asked for, and one period in which it takes part; None
    where there is none."""

    store: StoreRow
    terminals: Sequence[TerminalRow]
    period: ParticipationRow | None

    @classmethod
    def decode(cls, row: Sequence[Any]) -> Self:
        """From a row of FIND_STORES_IN."""
        columns = len(StoreRow._fields)
        store, named, period = StoreRow._make(row[:columns]), row[columns], row[columns + 1 :]
        terminals = [] if named is None else list(map(TerminalRow._make, named))
        return cls(store, terminals, None if period[0] is None else ParticipationRow._make(period))


# With every period in which a store takes part in the tranches' campaigns; a store comes as often,
# and once if it takes part in none. Its tills are asked for by number (folded), and not looked at
# where no order names one that is not its key's own.
FIND_STORES_IN = Statement(
    f"""
    SELECT {STORE_COLUMNS},
           (SELECT jsonb_agg(jsonb_build_array(t.code, t.state = 'active'))
              FROM merchants_terminal t
             WHERE cardinality(%(terminals)s::text[]) > 0
               AND t.store_id = s.id AND upper(t.code) = ANY (%(terminals)s::text[])),
           cs.campaign_id, cs.store_id, cs.category, cs.valid_from_at, cs.valid_until_at
    {WANTED_STORES}
      JOIN merchants_merchant m ON m.id = s.merchant_id
      LEFT JOIN vouchers_campaignstore cs ON cs.store_id = s.id
       AND cs.campaign_id = ANY (ARRAY(
           SELECT t.campaign_id FROM unnest(%(tranche_ids)s::bigint[]) AS held(id)
             JOIN vouchers_tranche t ON t.id = held.id))
    """,
    StorePeriod.decode,
    is_binary=True,
)
