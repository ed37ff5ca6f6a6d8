"""Residents as columns: what the bulk load takes, and what it sends to PostgreSQL."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from merchants.models import District
from merchants.services.blocks import DATUMS, Faults, Floats, Mask
from merchants.services.places import convert_places, mark_places
from vouchers.models import ResidentPoint
from vouchers.models.residents.residents import BUCKETS
from vouchers.models.residents.staging import CIPHER_BYTES, WRAPPED_KEY_BYTES, copy_residents
from vouchers.services.residents import identity
from vouchers.sql.copying import HEADER, TRAILER, binary_rows

MAX_ID_CHARACTERS: Final = 64
DISTRICT_UNKNOWN: Final = "district_unknown"

_DATUM_TEXT: Final = np.array([datum.value.ljust(8) for datum in DATUMS], dtype="S8")
_KIND_TEXT: Final = {kind: kind.ljust(6).encode() for kind in ResidentPoint.Kind.values}

Integers = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class PointColumns:
    """Places as they were given: degrees of `datum`, positions in DATUMS; NaN is no place."""

    longitude: Floats
    latitude: Floats
    datum: NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class ResidentColumns:
    """Residents, one per position, in columns of one length.

    A column that is None leaves what is on file. Not known is 0 for `birth_year` and `district` (an
    adcode), -1 for the two booleans, '' for texts. `tags` are 63 bits. `points` go by kind (home,
    work, recent). National ids and phone numbers are hashed, and sealed only if the load keeps
    originals. The load writes phone numbers in their normal form first; None is no valid one.
    """

    external_id: Sequence[str]
    points: Mapping[str, PointColumns] = field(default_factory=dict)
    birth_year: Integers | None = None
    district: Integers | None = None
    street: Sequence[str] | None = None
    is_registered: Integers | None = None
    has_residence_permit: Integers | None = None
    need_score: Integers | None = None
    tags: Integers | None = None
    consent_targeting: Sequence[str] | None = None
    national_id: Sequence[str] | None = None
    phone: Sequence[str | None] | None = None

    def __len__(self) -> int:
        return len(self.external_id)

    def block(self, start: int, stop: int) -> "ResidentColumns":
        """The residents from `start` up to `stop`."""
        rows = slice(start, stop)
        cut = {
            one.name: value[rows]
            for one in fields(self)
            if one.name != "points" and (value := getattr(self, one.name)) is not None
        }
        points = {
            kind: PointColumns(point.longitude[rows], point.latitude[rows], point.datum[rows])
            for kind, point in self.points.items()
        }
        return replace(self, points=points, **cut)


@dataclass(frozen=True, slots=True, eq=False)
class StagedBlock:
    """Sound rows of a block, ready for COPY; `given` are the columns of Resident that they set."""

    copy_text: str
    given: frozenset[str]
    residents: bytes
    points: bytes
    has_identities: bool


def mark_faults(rows: ResidentColumns, faults: Faults) -> None:
    """Mark the rows that can't be loaded, whatever is on file."""
    malformed = [
        not 0 < len(one) <= MAX_ID_CHARACTERS
        or not (one.isascii() and one.isprintable())
        or one != one.strip()
        for one in rows.external_id
    ]
    _mark(faults, malformed, "external_id_malformed")
    if rows.national_id is not None:
        bad = [bool(one) and not identity.is_national_id(one) for one in rows.national_id]
        _mark(faults, bad, "national_id_invalid")
    if rows.phone is not None:
        _mark(faults, [one is None for one in rows.phone], "phone_invalid")
    for point in rows.points.values():
        blank = np.isnan(point.longitude), np.isnan(point.latitude)
        faults.mark(blank[0] != blank[1], "coordinates_incomplete")
        present = ~blank[0]
        mark_places(faults, point.longitude, point.latitude, point.datum, present)


def stage(
    rows: ResidentColumns,
    sound: Mask,
    keys: NDArray[np.uint64],
    data_key_of: Callable[[str], bytes] | None,
) -> StagedBlock:
    """The rows at `sound` as COPY data; `keys` are their `id_keys`.

    With `data_key_of`, which gives a resident's wrapped data key, originals are sealed.
    """
    chosen = np.flatnonzero(sound)
    columns: dict[str, NDArray[Any]] = {
        "row": chosen.astype(np.int32),
        "bucket": (keys[chosen] % BUCKETS).astype(np.int16),
        "external_id": _texts(rows.external_id, chosen),
    }
    columns |= _numbers(rows, chosen) | _identities(rows, chosen, data_key_of)
    for name, values in (("street", rows.street), ("consent_targeting", rows.consent_targeting)):
        if values is not None:
            columns[name] = _texts(values, chosen)
    return StagedBlock(
        copy_text=copy_residents(list(columns)),
        given=frozenset(columns) - {"row", "bucket", "external_id", "consent_targeting"},
        residents=HEADER + binary_rows(list(columns.values())) + TRAILER,
        points=HEADER + b"".join(_points(rows, sound)) + TRAILER,
        has_identities="identity_hmac" in columns,
    )


def known_districts(rows: ResidentColumns) -> tuple[ResidentColumns, int]:
    """The rows with adcodes that are not on file set to unknown, and how many those were."""
    if rows.district is None:
        return rows, 0
    on_file = np.array([0, *District.objects.values_list("adcode", flat=True)], dtype=np.int64)
    unknown = ~np.isin(rows.district, on_file)
    return replace(rows, district=np.where(unknown, 0, rows.district)), int(unknown.sum())


def with_normal_phones(rows: ResidentColumns) -> ResidentColumns:
    """The rows with phone numbers in the form that is hashed."""
    if rows.phone is None:
        return rows
    return replace(rows, phone=[one and identity.normalised_phone(one) for one in rows.phone])


def _mark(faults: Faults, where: Sequence[bool], code: str) -> None:
    faults.mark(np.array(where, dtype=np.bool_), code)


def _numbers(rows: ResidentColumns, chosen: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
    types = {
        "birth_year": (rows.birth_year, np.int16),
        "district_id": (rows.district, np.int32),
        "is_registered": (rows.is_registered, np.int16),
        "has_residence_permit": (rows.has_residence_permit, np.int16),
        "need_score": (rows.need_score, np.int16),
        "tags": (rows.tags, np.int64),
    }
    return {
        name: values[chosen].astype(dtype)
        for name, (values, dtype) in types.items()
        if values is not None
    }


def _identities(
    rows: ResidentColumns, chosen: NDArray[np.intp], data_key_of: Callable[[str], bytes] | None
) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {}
    texts = {"identity": _chosen(rows.national_id, chosen), "phone": _chosen(rows.phone, chosen)}
    kinds = {"identity": "national_id", "phone": "phone"}
    for name, values in texts.items():
        if values is not None:
            columns[f"{name}_hmac"] = identity.keyed_hashes(kinds[name], values)
    if not columns or data_key_of is None:
        return columns
    data_keys = [data_key_of(rows.external_id[row]) for row in chosen.tolist()]
    columns["data_key"] = np.array(data_keys, dtype=f"V{WRAPPED_KEY_BYTES}")
    for name, values in texts.items():
        if values is not None:
            columns[f"{name}_cipher"] = _sealed(data_keys, values)
    return columns


def _sealed(data_keys: Sequence[bytes], values: Sequence[str]) -> NDArray[np.void]:
    nothing = bytes(CIPHER_BYTES)
    ciphers = [
        identity.seal(key, value) if value else nothing
        for key, value in zip(data_keys, values, strict=True)
    ]
    return np.array(ciphers, dtype=f"V{CIPHER_BYTES}")


def _chosen(values: Sequence[str | None] | None, chosen: NDArray[np.intp]) -> list[str] | None:
    return None if values is None else [values[row] or "" for row in chosen.tolist()]


def _texts(values: Sequence[str], chosen: NDArray[np.intp]) -> NDArray[np.bytes_]:
    """UTF-8 of one width, padded with blanks."""
    encoded = np.array([values[row].encode() or b" " for row in chosen.tolist()], dtype=np.bytes_)
    if not encoded.size:
        return encoded
    octets = encoded.view(np.uint8)
    octets[octets == 0] = ord(" ")
    return encoded


def _points(rows: ResidentColumns, sound: Mask) -> list[bytes]:
    return [_point_rows(kind, point, sound) for kind, point in rows.points.items()]


def _point_rows(kind: str, point: PointColumns, sound: Mask) -> bytes:
    """Rows of staged_point, converted to WGS-84."""
    chosen = np.flatnonzero(sound & ~np.isnan(point.longitude))
    longitude, latitude, datum = (
        point.longitude[chosen],
        point.latitude[chosen],
        point.datum[chosen],
    )
    lon, lat = convert_places(longitude, latitude, datum)
    return binary_rows(
        [
            chosen.astype(np.int32),
            np.full(chosen.size, _KIND_TEXT[kind]),
            lon,
            lat,
            _DATUM_TEXT[datum],
            longitude,
            latitude,
        ]
    )
