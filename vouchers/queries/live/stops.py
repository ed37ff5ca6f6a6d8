"""What the red button of the live screen can stop."""

from merchants.models import Merchant, Store
from vouchers.models import Campaign
from vouchers.queries.roles import Area
from vouchers.states import CampaignState


def running_campaigns(area: Area) -> list[Campaign]:
    """Those that can be paused from an area."""
    rows = Campaign.objects.filter(state=CampaignState.RUNNING)
    return list(area.acted_on(rows).order_by("code"))


def stores_named(number: str, area: Area, *, merchant: str = "") -> list[Store]:
    """Stores of a number, of one merchant if its code is given; upper and lower case are one."""
    rows = area.acted_on(Store.objects.filter(external_id__iexact=number))
    named = rows.filter(merchant__code__iexact=merchant) if merchant else rows
    return list(named.select_related("merchant"))


def merchant_named(code: str, area: Area) -> Merchant | None:
    """The merchant of a code."""
    found: Merchant | None = area.acted_on(Merchant.objects.filter(code__iexact=code)).first()
    return found
