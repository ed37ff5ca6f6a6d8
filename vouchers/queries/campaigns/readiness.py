"""What the launch list has to know of a campaign beside its terms."""

from datetime import datetime

from django.conf import settings
from django.db.models import Sum

from merchants.models import Street
from vouchers.models import Account, Campaign, Leg
from vouchers.queries.roles import people_with
from vouchers.rules.campaigns.approvals import signatures_needed
from vouchers.rules.campaigns.readiness import Surroundings
from vouchers.states import AccountKind, CampaignState

DECIDE = "vouchers.add_approval"
USED = (
    AccountKind.AUTHORISED,
    AccountKind.PAYABLE,
    AccountKind.RISK_HELD,
    AccountKind.SETTLED,
)
"""Accounts that only a redemption puts money into."""


def surroundings_of(campaign: Campaign, *, at: datetime) -> Surroundings:
    """The surroundings of a campaign at an instant."""
    appropriated = campaign.sources.aggregate(fen=Sum("appropriated_fen"))
    unpaid = campaign.sources.filter(receipts__isnull=True).order_by("code")
    return Surroundings(
        state=CampaignState(campaign.state),
        zone=campaign.zone,
        is_test=campaign.is_test,
        approvers=approvers_of(campaign, at=at),
        approvers_needed=approvers_needed(appropriated["fen"] or 0),
        without_cash=tuple(unpaid.values_list("name", flat=True)),
        is_tried=_is_tried(campaign),
        strange_streets=_strange_streets(campaign),
    )


def approvers_needed(amount_fen: int) -> int:
    """How many people have to approve what moves so much money."""
    from_fen = [yuan * 100 for yuan in settings.HUIMIN_APPROVERS]
    return signatures_needed(amount_fen, from_fen=from_fen)


def approvers_of(campaign: Campaign, *, at: datetime) -> int:
    """How many people may decide on its terms at an instant: active, with the right for the whole
    city, and none who edited them."""
    editors = {*campaign.edits.values_list("user_id", flat=True), campaign.created_by_id}
    able = people_with(DECIDE, at=at)
    return int(able.exclude(pk__in=editors).count())


def _strange_streets(campaign: Campaign) -> tuple[str, ...]:
    """Streets of the audience filter that are not on file; none where no street is."""
    named = campaign.audience_filter.get("streets", [])
    if not named or not Street.objects.exists():
        return ()
    on_file = set(Street.objects.filter(name__in=named).values_list("name", flat=True))
    return tuple(name for name in named if name not in on_file)


def _is_tried(campaign: Campaign) -> bool:
    """Whether a merchant that takes part takes part in a test campaign that has redeemed."""
    merchants = campaign.participations.values("store__merchant")
    tests = Campaign.objects.filter(is_test=True, participations__store__merchant__in=merchants)
    accounts = Account.objects.filter(campaign__in=tests, kind__in=[kind.value for kind in USED])
    return bool(Leg.objects.filter(account__in=accounts).exists())
