"""Events about a campaign for merchants and channels."""

from datetime import datetime

from vouchers.models import Campaign, CampaignStore
from vouchers.rules.webhooks import EventType
from vouchers.services.webhooks import LISTENERS, Event, publish
from vouchers.states import CampaignState

INNER = frozenset({CampaignState.DRAFT, CampaignState.SUBMITTED, CampaignState.APPROVED})
"""States of which nothing is said outside: nothing has been launched."""


def announce_state(campaign: Campaign, *, at: datetime) -> None:
    """Announce the campaign's new state to the merchants of its stores and to every channel."""
    listeners = LISTENERS.current()
    if campaign.state in INNER or not listeners:
        return
    stores = CampaignStore.objects.filter(campaign=campaign)
    merchant_ids = set(stores.values_list("store__merchant_id", flat=True))
    event = Event(
        type=EventType.CAMPAIGN_CHANGED,
        subject=f"{campaign.pk}/{campaign.state}/{at.isoformat()}",
        at=at,
        is_test=campaign.is_test,
        data={
            "campaign": campaign.code,
            "name": campaign.name,
            "state": campaign.state,
            "starts_at": campaign.starts_at,
            "ends_at": campaign.ends_at,
        },
        merchant_ids=merchant_ids,
        is_for_all_channels=True,
    )
    publish([event])
