"""Links: devices, phones, cards and accounts a resident was seen with; kept as keyed hashes.

A link has limits of its own and merges no residents: five elders and a volunteer with one device
stay six residents.
"""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.utils.translation import gettext_noop as _

from merchants.errors import Refused
from merchants.references import folded, is_reference
from vouchers.models import Link, Resident
from vouchers.services.history import note
from vouchers.services.residents import identity
from vouchers.services.residents.standing import CHANGE
from vouchers.services.roles import require_permission
from vouchers.states import ResidentState


@transaction.atomic
def link(*, resident: Resident, kind: Link.Kind, value: str, by: User, at: datetime) -> Link:
    """Record that a resident was seen with a device, phone, card or account; again opens it again.

    The history names the kind only. Refuses `not_permitted`, `resident_not_active`, `link_invalid`
    for an empty value or a phone number that is none.
    """
    require_permission(by, CHANGE, at=at, on=resident)
    locked = Resident.objects.select_for_update(no_key=True).get(pk=resident.pk)
    if locked.state != ResidentState.ACTIVE:
        raise Refused("resident_not_active")
    found, is_new = Link.objects.get_or_create(
        resident=locked,
        bucket=locked.bucket,
        kind=kind,
        value_hmac=identity.keyed_hash(kind, _normalised(kind, value)),
        defaults={"first_seen_at": at, "last_seen_at": at},
    )
    if not is_new:
        seen_at = Greatest(F("last_seen_at"), Value(at))
        Link.objects.filter(pk=found.pk).update(last_seen_at=seen_at, ended_at=None)
        found.refresh_from_db()
    note(locked, by=by, what=_("link seen: %(link)s"), at=at, link=kind.value)
    return found


@transaction.atomic
def end_link(*, link: Link, by: User, at: datetime) -> bool:
    """End a link; False, and no line of history, if it had ended before.

    Refuses `not_permitted`.
    """
    require_permission(by, CHANGE, at=at, on=link)
    open_link = Link.objects.filter(pk=link.pk, ended_at=None)
    if not open_link.update(ended_at=Greatest(F("first_seen_at"), Value(at))):
        return False
    note(link.resident, by=by, what=_("link ended: %(link)s"), at=at, link=link.kind)
    return True


def _normalised(kind: Link.Kind, value: str) -> str:
    normalised = identity.normalised_phone(value) if kind == Link.Kind.PHONE else _number(value)
    if not normalised:
        raise Refused("link_invalid", kind=kind.value)
    return normalised


def _number(value: str) -> str | None:
    """As tills send it: see `merchants/references`."""
    return folded(value) if is_reference(value) else None
