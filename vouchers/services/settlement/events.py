"""Events about settlements for merchants."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from vouchers.models import Settlement
from vouchers.rules.webhooks import EventType
from vouchers.services.webhooks import LISTENERS, Event, publish


def announce_settled(settlements: Iterable[Settlement]) -> None:
    """Announce that a business day was closed and the files of its settlements can be fetched."""
    _announce(EventType.SETTLEMENT_CLOSED, settlements)


def announce_paid(settlement: Settlement, *, at: datetime) -> None:
    """Announce that the payout of a settlement was instructed."""
    _announce(EventType.SETTLEMENT_PAID, [settlement], paid_at=at)


def _announce(kind: EventType, settlements: Iterable[Settlement], **more: Any) -> None:
    of_merchants = LISTENERS.current().of_merchants
    publish(
        [
            Event(
                type=kind,
                subject=str(settlement.pk),
                at=more.get("paid_at", settlement.closed_at),
                is_test=settlement.campaign.is_test,
                data={**_named(settlement), **more},
                merchant_ids=(settlement.merchant_id,),
            )
            for settlement in settlements
            if (settlement.merchant_id, settlement.campaign.is_test) in of_merchants
        ]
    )


def _named(settlement: Settlement) -> dict[str, Any]:
    return {
        "id": settlement.pk,
        "campaign": settlement.campaign.code,
        "merchant": settlement.merchant.code,
        "source": settlement.source.code,
        "business_day": settlement.business_day,
        "lines": settlement.line_count,
        "total_fen": settlement.total_fen,
        "sha256": bytes(settlement.sha256).hex(),
        "closed_at": settlement.closed_at,
    }
