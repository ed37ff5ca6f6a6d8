"""A resident's standing: active, frozen, deceased, erased; every change has a reason and a date.

Vouchers stay where they are: a till asks for the holder's state at every redemption.
"""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_noop as _

from merchants.errors import Refused
from vouchers.models import Consent, Link, Resident, ResidentPoint, SnapshotBlock, StandingChange
from vouchers.models.audience.snapshots import FIND_BLOCKS_OF, take_out
from vouchers.models.locks import SHARE_BLOCKS
from vouchers.services.history import Fact, note
from vouchers.services.roles import require_permission
from vouchers.sql.fields import CurrentXid
from vouchers.sql.pipeline import raw_connection
from vouchers.states import RESIDENT_ARROWS, ResidentState

CHANGE = "vouchers.change_resident"


def freeze(*, resident: Resident, reason: str, by: User, at: datetime) -> None:
    """Stop a resident's vouchers and claims until `unfreeze`. Refuses `not_permitted`,
    `resident_state`."""
    _move(resident, ResidentState.FROZEN, what=_("frozen"), by=by, at=at, reason=reason)


def unfreeze(*, resident: Resident, reason: str, by: User, at: datetime) -> None:
    """Make a frozen resident active again. Refuses `not_permitted`, `resident_state`."""
    _move(
        resident,
        ResidentState.ACTIVE,
        what=_("unfrozen"),
        by=by,
        at=at,
        reason=reason,
        origin=ResidentState.FROZEN,
    )


def record_death(*, resident: Resident, document_no: str, by: User, at: datetime) -> None:
    """Put on file that a resident has died, by which document; their proxies end.

    Refuses `not_permitted`, `resident_state`.
    """
    with transaction.atomic():
        what = _("deceased, document no. %(document_no)s")
        _move(resident, ResidentState.DECEASED, what=what, by=by, at=at, document_no=document_no)
        _end_proxies(resident, at)


def undo_death(*, resident: Resident, reason: str, by: User, at: datetime) -> None:
    """Take back a death recorded by mistake; proxies are to be declared anew.

    Refuses `not_permitted`, `resident_state`.
    """
    _move(
        resident,
        ResidentState.ACTIVE,
        what=_("not deceased"),
        by=by,
        at=at,
        reason=reason,
        origin=ResidentState.DECEASED,
    )


def erase(*, resident: Resident, reason: str, by: User, at: datetime) -> None:
    """Erase what is known about a resident, for ever. Refuses `not_permitted`, `resident_state`.

    Points, links and attributes go; the data key goes, and with it every sealed original. What
    stays: the number (the books' pseudonym), the keyed hash of the identity, so that the same
    person is not put on file a second time, and the withdrawn consents.
    """
    with transaction.atomic():
        _move(resident, ResidentState.ERASED, what=_("erased"), by=by, at=at, reason=reason)
        _end_proxies(resident, at)
        Consent.objects.filter(resident=resident, withdrawn_at=None).update(withdrawn_at=at)
        ResidentPoint.objects.filter(resident=resident).delete()
        Link.objects.filter(resident=resident).delete()
        Resident.objects.filter(pk=resident.pk).update(
            phone_hmac=None,
            identity_cipher=None,
            phone_cipher=None,
            data_key=None,
            birth_year=None,
            district=None,
            street="",
            is_registered=None,
            has_residence_permit=None,
            guardian=None,
            need_score=0,
            tags=0,
        )
        _leave_snapshots(resident.pk)


def _leave_snapshots(resident_id: int) -> None:
    """Take a resident out of every packed block; a build under way does it before it ends."""
    raw = raw_connection()
    SHARE_BLOCKS.send(raw, {}).rows()
    for block_id in FIND_BLOCKS_OF.send(raw, {"resident_id": resident_id}).rows():
        take_out(SnapshotBlock.objects.get(pk=block_id), [resident_id])


def _move(
    resident: Resident,
    target: ResidentState,
    *,
    what: str,
    by: User,
    at: datetime,
    origin: ResidentState | None = None,
    **facts: Fact,
) -> None:
    """Lock the resident and change the state, from `origin` only where one is given."""
    require_permission(by, CHANGE, at=at, on=resident)
    with transaction.atomic():
        locked = Resident.objects.select_for_update(no_key=True).get(pk=resident.pk)
        state = ResidentState(locked.state)
        if (state, target) not in RESIDENT_ARROWS or origin not in {None, state}:
            raise Refused("resident_state", state=state.value)
        locked.state = target.value
        locked.changed_xid = CurrentXid()
        locked.save(update_fields=["state", "changed_xid"])
        StandingChange.objects.create(resident=locked, state=target.value, by=by, at=at)
        note(locked, by=by, what=what, at=at, **facts)
    resident.state = target.value


def _end_proxies(resident: Resident, at: datetime) -> None:
    for declared in (resident.proxies, resident.proxy_for):
        declared.filter(ended_at=None).update(ended_at=at)
