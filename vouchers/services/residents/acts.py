"""What one resident does, or what is done for one: each act dated and never overwritten."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from django.db import transaction

from merchants.errors import Refused
from merchants.geo import Datum
from merchants.models import District
from merchants.services.blocks import DATUMS
from merchants.services.places import convert_place
from vouchers.models import Consent, Proxy, Resident, ResidentPoint
from vouchers.rules.residents import are_apart
from vouchers.services.residents import identity
from vouchers.services.residents.columns import PointColumns, ResidentColumns
from vouchers.services.residents.load import load_residents
from vouchers.sql.fields import CurrentXid
from vouchers.states import ResidentState

TARGETING: Final = Consent.Purpose.TARGETING


@dataclass(frozen=True, slots=True)
class Place:
    """A place as submitted: degrees in a datum."""

    longitude: float
    latitude: float
    datum: Datum


@transaction.atomic
def register_resident(
    *,
    external_id: str,
    at: datetime,
    points: Mapping[str, Place] | None = None,
    birth_year: int | None = None,
    district: District | None = None,
    street: str = "",
    is_registered: bool | None = None,
    has_residence_permit: bool | None = None,
    need_score: int = 0,
    tags: int = 0,
    consent_targeting: str = "",
    national_id: str | None = None,
    phone: str | None = None,
    keep_originals: bool = False,
) -> Resident:
    """Put one resident on file, or bring the one with this number up to date.

    The same rules as a load of one row: the attributes replace what was there, places supersede,
    `consent_targeting` names the text that was agreed to. Refused: `resident_refused` with the
    load's code as its rule (identity_taken, national_id_invalid, coordinates_swapped, …).
    """
    rows = ResidentColumns(
        external_id=[external_id],
        points={kind: _column(place) for kind, place in (points or {}).items()},
        birth_year=np.array([birth_year or 0]),
        district=np.array([district.pk if district else 0]),
        street=[street],
        is_registered=_known(is_registered),
        has_residence_permit=_known(has_residence_permit),
        need_score=np.array([need_score]),
        tags=np.array([tags]),
        consent_targeting=[consent_targeting],
        national_id=None if national_id is None else [identity.normalised_national_id(national_id)],
        phone=None if phone is None else [phone],
    )
    faults: list[str] = []
    load_residents(
        rows=rows,
        at=at,
        keep_originals=keep_originals,
        on_fault=lambda _row, code: faults.append(code),
    )
    if faults:
        raise Refused("resident_refused", faults[0])
    return Resident.objects.get(external_id=external_id)


@transaction.atomic
def give_consent(
    *, resident: Resident, text_version: str, at: datetime, purpose: Consent.Purpose = TARGETING
) -> Consent:
    """The resident's live consent to a purpose; one to another version of the text is withdrawn.

    Refused: `resident_not_active`.
    """
    _change(resident)
    live = Consent.objects.filter(resident=resident, purpose=purpose, withdrawn_at__isnull=True)
    if same := live.filter(text_version=text_version).first():
        return same
    live.update(withdrawn_at=at)
    return Consent.objects.create(
        resident=resident,
        bucket=resident.bucket,
        purpose=purpose,
        text_version=text_version,
        granted_at=at,
    )


@transaction.atomic
def withdraw_consent(
    *, resident: Resident, at: datetime, purpose: Consent.Purpose = TARGETING
) -> bool:
    """End the live consent to a purpose; False if there is none."""
    _lock(resident)
    live = Consent.objects.filter(resident=resident, purpose=purpose, withdrawn_at__isnull=True)
    if not live.update(withdrawn_at=at):
        return False
    _touch(resident)
    return True


@transaction.atomic
def declare_proxy(*, holder: Resident, proxy: Resident, relation: str, at: datetime) -> Proxy:
    """Let `proxy` hold and show the holder's vouchers; the live declaration if there is one.

    Refused: `resident_not_active` for either, `proxy_is_holder`, and `not_found` when one is of the
    sandbox and the other is not.
    """
    if holder.pk == proxy.pk:
        raise Refused("proxy_is_holder")
    if are_apart(holder, proxy):
        raise Refused("not_found", "resident_unknown")
    for person in sorted((holder, proxy), key=lambda one: one.pk):
        _change(person)
    declared, _is_new = Proxy.objects.get_or_create(
        holder=holder,
        proxy=proxy,
        ended_at__isnull=True,
        defaults={"relation": relation, "declared_at": at},
    )
    return declared


@transaction.atomic
def end_proxy(*, proxy: Proxy, at: datetime) -> bool:
    """End a declaration; False if it had ended before."""
    return bool(Proxy.objects.filter(pk=proxy.pk, ended_at__isnull=True).update(ended_at=at))


@transaction.atomic
def move_point(
    *, resident: Resident, kind: ResidentPoint.Kind, place: Place, at: datetime
) -> ResidentPoint:
    """The resident's current place of a kind; another one supersedes it as of `at`.

    Refused: `resident_not_active`, `coordinates_invalid`.
    """
    longitude_deg, latitude_deg = convert_place(place.longitude, place.latitude, place.datum)
    _change(resident)
    current = ResidentPoint.objects.filter(resident=resident, kind=kind, superseded_at__isnull=True)
    as_given = {
        "raw_longitude": place.longitude,
        "raw_latitude": place.latitude,
        "datum": place.datum.value,
    }
    if same := current.filter(**as_given).first():
        return same
    current.update(superseded_at=at, changed_xid=CurrentXid())
    return ResidentPoint.objects.create(
        resident=resident,
        bucket=resident.bucket,
        kind=kind,
        longitude_deg=longitude_deg,
        latitude_deg=latitude_deg,
        observed_at=at,
        **as_given,
    )


def _lock(resident: Resident) -> Resident:
    return Resident.objects.select_for_update(no_key=True).get(pk=resident.pk)


def _touch(resident: Resident) -> None:
    """Say in the resident's own row that something of theirs changed."""
    Resident.objects.filter(pk=resident.pk).update(changed_xid=CurrentXid())


def _change(resident: Resident) -> None:
    """Lock and touch a resident who is active."""
    if _lock(resident).state != ResidentState.ACTIVE:
        raise Refused("resident_not_active")
    _touch(resident)


def _column(place: Place) -> PointColumns:
    return PointColumns(
        np.array([place.longitude]),
        np.array([place.latitude]),
        np.array([DATUMS.index(place.datum)], dtype=np.int8),
    )


def _known(value: bool | None) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.array([-1 if value is None else int(value)], dtype=np.int16)
