"""What the launch list has to know of a campaign beside its terms."""

from django.contrib.auth.models import User

from vouchers.models import Account, Campaign, Leg
from vouchers.rules.campaigns.readiness import Surroundings
from vouchers.states import AccountKind, CampaignState

DECIDE = "vouchers.add_approval"
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
USED = (
    AccountKind.AUTHORISED,
    AccountKind.PAYABLE,
    AccountKind.RISK_HELD,
    AccountKind.SETTLED,
)
"""Accounts that only a redemption puts money into."""


def surroundings_of(campaign: Campaign) -> Surroundings:
    """As they are now."""
    unpaid = campaign.sources.filter(receipts__isnull=True).order_by("code")
    return Surroundings(
        state=CampaignState(campaign.state),
        zone=campaign.zone,
        is_test=campaign.is_test,
        approvers=approvers_of(campaign),
        without_cash=tuple(unpaid.values_list("name", flat=True)),
        is_tried=_is_tried(campaign),
    )


def approvers_of(campaign: Campaign) -> int:
    """How many people may decide on its terms: active, with the right, and none who edited them."""
    editors = {*campaign.edits.values_list("user_id", flat=True), campaign.created_by_id}
    able = User.objects.with_perm(DECIDE, backend=MODEL_BACKEND)
    return int(able.exclude(pk__in=editors).count())


def _is_tried(campaign: Campaign) -> bool:
    """Whether a merchant that takes part takes part in a test campaign that has redeemed."""
    merchants = campaign.participations.values("store__merchant")
    tests = Campaign.objects.filter(is_test=True, participations__store__merchant__in=merchants)
    accounts = Account.objects.filter(campaign__in=tests, kind__in=[kind.value for kind in USED])
    return bool(Leg.objects.filter(account__in=accounts).exists())
