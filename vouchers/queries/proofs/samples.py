"""The redemptions a sample is drawn from: those the subsidy was owed for."""

from collections.abc import Iterator, Sequence
from typing import Any

from vouchers.models import Redemption
from vouchers.sql.streams import BLOCK_ROWS
from vouchers.states import RedemptionState

COLUMNS = (
    "id",
    "business_day",
    "merchant__code",
    "store__external_id",
    "order_no",
    "receipt_no",
    "order_amount_fen",
    "discount_fen",
)
OWED = (RedemptionState.CAPTURED, RedemptionState.REFUNDED)


def population(campaign_id: int) -> Iterator[int]:
    """Numbers of a campaign's redemptions that were captured, refunded later or not."""
    rows = Redemption.objects.filter(campaign_id=campaign_id, state__in=OWED)
    return rows.order_by("id").values_list("id", flat=True).iterator(chunk_size=BLOCK_ROWS)


def drawn(redemption_ids: Sequence[int]) -> list[dict[str, Any]]:
    """The redemptions drawn, with the facts that an auditor checks at the store."""
    rows = Redemption.objects.filter(pk__in=redemption_ids).order_by("id").values(*COLUMNS)
    return [dict(row) for row in rows]
