"""The instant at which an audience is judged before its run."""

from datetime import datetime

from vouchers.models import Campaign
from vouchers.services.sandbox import time_in


def moment_of(campaign: Campaign, at: datetime) -> datetime:
    """Now, by the campaign's clock; for a campaign that has not begun, its start, since stores that
    join with it take part only from then on."""
    return max(time_in(campaign_id=campaign.pk, at=at), campaign.starts_at)
