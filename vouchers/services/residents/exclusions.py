"""Exclusions: a resident kept out of one campaign's audience, or of all, and let in again."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_noop as _

from merchants.errors import Refused
from vouchers.models import Campaign, Exclusion, Resident
from vouchers.services.history import note
from vouchers.services.roles import require_permission
from vouchers.sql.fields import CurrentXid


def exclude(
    *, resident: Resident, campaign: Campaign | None, reason: str, by: User, at: datetime
) -> Exclusion:
    """Keep a resident out of a campaign's audience, or out of every one without a campaign.

    What was issued before stays good. Refuses `not_permitted`, `already_excluded`.
    """
    require_permission(by, "vouchers.add_exclusion", at=at, on=resident)
    with transaction.atomic():
        _touch(resident)
        if Exclusion.objects.filter(resident=resident, campaign=campaign, lifted_at=None).exists():
            raise Refused("already_excluded", resident=resident.external_id)
        exclusion = Exclusion.objects.create(
            resident=resident,
            campaign=campaign,
            reason=reason,
            created_by=by.get_username(),
            created_at=at,
        )
        _note(resident, campaign, reason, by, at)
    return exclusion


def lift_exclusion(*, exclusion: Exclusion, by: User, at: datetime) -> None:
    """End an exclusion. Refuses `not_permitted`, `not_excluded` when it has already ended."""
    require_permission(by, "vouchers.change_exclusion", at=at, on=exclusion)
    with transaction.atomic():
        _touch(exclusion.resident)
        live = Exclusion.objects.filter(pk=exclusion.pk, lifted_at=None)
        if not live.update(lifted_at=max(at, exclusion.created_at)):
            raise Refused("not_excluded", resident=exclusion.resident.external_id)
        note(exclusion.resident, by=by, what=_("exclusion lifted"), at=at)
    exclusion.refresh_from_db(fields=["lifted_at"])


def _note(
    resident: Resident, campaign: Campaign | None, reason: str, by: User, at: datetime
) -> None:
    if campaign is None:
        note(resident, by=by, what=_("excluded from every campaign"), at=at, reason=reason)
        return
    what = _("excluded from %(campaign)s (%(code)s)")
    note(
        resident,
        by=by,
        what=what,
        at=at,
        campaign=campaign.name,
        code=campaign.code,
        reason=reason,
    )


def _touch(resident: Resident) -> None:
    """Lock the resident's row and mark it as changed, for snapshots of the audience."""
    Resident.objects.filter(pk=resident.pk).update(changed_xid=CurrentXid())
