"""What claims need of a campaign's terms, remembered for seconds: cells, prices, stores."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg

from vouchers.models import Campaign
from vouchers.models.claims import OfferRow
from vouchers.rules.ledger.quotas import Cells, Need, Price, Slice
from vouchers.rules.limits.limits import OF_CLAIMS, LimitRule, business_day
from vouchers.services.audience.residents import TargetingContext
from vouchers.services.ledger import quotas, transfers
from vouchers.services.ledger.transfers import AccountIds
from vouchers.services.sold_out import Shortage
from vouchers.sql.pipeline import raw_connection

TTL_S: Final = 5.0
"""A store that closes is out of the circles after this long at the latest."""


@dataclass(frozen=True, slots=True, eq=False)
class CampaignTerms:
    """A campaign's terms as they stood when they were read."""

    cells: Cells
    prices: Mapping[int, Price]
    accounts: AccountIds
    context: TargetingContext
    limits: Sequence[LimitRule] = ()
    """Those on claims of one link."""
    allocation_ids: dict[Slice, int] = field(default_factory=dict)
    """Committed ones only."""
    _needs: dict[Slice, Mapping[int, Need]] = field(default_factory=dict)
    """Worked out once; a campaign has few slices beside its claims."""

    def slice(
        self, offer: OfferRow, *, district_id: int, store_id: int, channel: str, at: datetime
    ) -> Slice:
        """What a claim counts in."""
        whole = Slice(
            tier_id=offer.tier_id,
            round_id=offer.round_id,
            district_id=district_id or None,
            store_id=store_id,
            channel=channel,
            day=business_day(at, offer.zone),
        )
        return self.cells.narrowed(whole)

    def counted_channel(self, channel: str) -> str:
        """The channel that a resident's claims are counted by; empty where all count together."""
        return channel if "channel" in self.cells.dimensions else ""

    def needs(self, item: Slice) -> Mapping[int, Need]:
        """What one voucher takes of each cell."""
        known = self._needs.get(item)
        if known is None:
            costs = self.cells.costs(item, self.prices[item.tier_id])
            known = self._needs[item] = {cell.id: need for cell, need in costs}
        return known

    def general_needs(self, offer: OfferRow, channel: str) -> Mapping[int, Need]:
        """What one voucher of the offer takes of the cells that all of its claims count in."""
        return self.needs(
            Slice(tier_id=offer.tier_id, round_id=offer.round_id, channel=channel or None)
        )

    def shortages(self, offer: OfferRow, channel: str) -> list[Shortage]:
        """The shortages that would leave nothing of the offer for any resident."""
        cell_ids = self.general_needs(offer, channel)
        return [Shortage(cell_id, offer.tier_id) for cell_id in cell_ids]


class TermsMemory:
    """The terms of campaigns by id, read again after `TTL_S` seconds, and over every new
    connection, which may lead to another database."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[
            psycopg.Connection[Any], dict[int, tuple[float, CampaignTerms]]
        ] = WeakKeyDictionary()

    def of(self, campaign_id: int, *, at: datetime) -> CampaignTerms:
        """The terms; stores and their places as at `at`, when they are read."""
        known = self._known.setdefault(raw_connection(), {})
        due_s, terms = known.get(campaign_id, (0.0, None))
        if terms is None or time.monotonic() >= due_s:
            terms = _read(campaign_id, at)
            known[campaign_id] = (time.monotonic() + TTL_S, terms)
        return terms


TERMS: Final = TermsMemory()


def _read(campaign_id: int, at: datetime) -> CampaignTerms:
    campaign = Campaign.objects.get(pk=campaign_id)
    return CampaignTerms(
        cells=quotas.cells_of_campaign(campaign_id),
        prices=quotas.prices_of(campaign.tiers.values_list("id", flat=True)),
        accounts=transfers.account_ids(campaign_id),
        context=TargetingContext.of(campaign, at),
        limits=[
            LimitRule(campaign_id, *row)
            for row in campaign.limits.filter(kind__in=OF_CLAIMS)
            .order_by("kind")
            .values_list("kind", "limit_count", "limit_fen")
        ],
    )
