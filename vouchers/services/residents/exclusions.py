"""Exclusions: a resident kept out of one campaign's audience, or of all, and let in again."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

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
        scope = campaign.code if campaign else "every campaign"
        note(resident, by=by, what=f"excluded from {scope}: {reason}", at=at)
    return exclusion


def lift_exclusion(*, exclusion: Exclusion, by: User, at: datetime) -> None:
    """End an exclusion. Refuses `not_permitted`, `not_excluded` when it has already ended."""
    require_permission(by, "vouchers.change_exclusion", at=at, on=exclusion)
    with transaction.atomic():
        _touch(exclusion.resident)
        live = Exclusion.objects.filter(pk=exclusion.pk, lifted_at=None)
        if not live.update(lifted_at=max(at, exclusion.created_at)):
            raise Refused("not_excluded", resident=exclusion.resident.external_id)
        note(exclusion.resident, by=by, what="exclusion lifted", at=at)
    exclusion.refresh_from_db(fields=["lifted_at"])


def _touch(resident: Resident) -> None:
    """Lock the resident's row and mark it as changed, for snapshots of the audience."""
    Resident.objects.filter(pk=resident.pk).update(changed_xid=CurrentXid())
