"""The time in a test campaign: the real time, or as far ahead of it as a person has moved it.

Live campaigns have no clock; the database refuses one, and no live call asks for any.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction

from merchants.errors import Refused
from vouchers.models import Campaign, SandboxClock
from vouchers.models.sandbox import AHEAD_MAX, FIND_AHEAD
from vouchers.services.partitions import open_months
from vouchers.services.roles import require_permission
from vouchers.sql.pipeline import raw_connection
from vouchers.states import CampaignState

NOT_MOVABLE: Final = "clock_not_movable"
NOT_LAUNCHED: Final = frozenset(
    {CampaignState.DRAFT, CampaignState.SUBMITTED, CampaignState.APPROVED}
)


def move_clock(*, campaign: Campaign, to: datetime, by: User, at: datetime) -> SandboxClock:
    """Move the clock of a test campaign to `to`, from where it runs on. Whatever becomes due by
    that (start, end, expiry, lapse) happens at the next sweeps. Refuses `not_permitted`, and
    `clock_not_movable`: a live campaign, one that is not launched, a time before the campaign's
    present, or one more than three years ahead."""
    require_permission(by, "vouchers.change_campaign", at=at)
    with transaction.atomic():
        held = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
        if not held.is_test:
            raise Refused(NOT_MOVABLE, "only_test")
        if held.state in NOT_LAUNCHED:
            raise Refused(NOT_MOVABLE, "not_launched")
        if to < time_in(campaign_id=held.pk, at=at):
            raise Refused(NOT_MOVABLE, "never_back")
        if to - at > AHEAD_MAX:
            raise Refused(NOT_MOVABLE, "too_far")
        clock, _is_new = SandboxClock.objects.update_or_create(
            campaign=held,
            defaults={"ahead": to - at, "moved_by": by.get_username(), "moved_at": at},
        )
        # Else what is posted by it would keep its months from being opened later.
        open_months(at=at)
    return clock


def time_in(*, campaign_id: int, at: datetime) -> datetime:
    """The campaign's time at the real instant `at`."""
    found = SandboxClock.objects.filter(campaign_id=campaign_id).values_list("ahead", flat=True)
    return at + (found.first() or timedelta(0))


def ahead_of_campaigns(codes: Collection[str]) -> Mapping[str, timedelta]:
    """How far campaigns are ahead, by code; those that are not are left out."""
    clocks = SandboxClock.objects.filter(campaign__code__in=codes)
    return dict(clocks.values_list("campaign__code", "ahead"))


def ahead_of_tranches(tranche_ids: Collection[int]) -> Mapping[int, timedelta]:
    """How far the campaigns of tranches are ahead, by tranche; those that are not are left out."""
    found = FIND_AHEAD.send(raw_connection(), {"tranche_ids": sorted(tranche_ids)})
    return {row.tranche_id: row.ahead for row in found.rows()}
