"""Administrative districts and their streets with boundaries, from a GeoJSON file."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from merchants.geo import Datum, contains, is_cgcs2000
from merchants.models import District
from merchants.services.blocks import Floats, Mask
from merchants.services.encodings import UnreadableFileError
from merchants.services.features import (
    BadFeatureError,
    boundary_of,
    features_of,
    properties_of,
)
from merchants.services.streets import STREET_REASONS, is_street, street_of, upsert_street
from merchants.services.summaries import DATUM_CGCS2000, REASONS, LoadSummary, RowFault

DISTRICT_REASONS: Final[Mapping[str, str]] = {
    **REASONS,
    "adcode_malformed": gettext_noop("A district needs a six-digit adcode."),
    "name_missing": gettext_noop("A district or street needs a name of at most 40 characters."),
    "name_taken": gettext_noop("Another district has this name."),
    "boundary_malformed": gettext_noop("The boundary is not a closed GeoJSON polygon."),
    "population_malformed": gettext_noop("The population must be a whole number."),
    **STREET_REASONS,
}
MAX_POPULATION: Final = 100_000_000
MAX_NAME: Final = 40
ADCODE_DIGITS: Final = 6
FAR_M: Final = 50_000.0

_DEGREE_M: Final = 111_195.0
_LEAST_COSINE: Final = 0.1


def import_districts(
    *,
    path: Path,
    datum: Datum | None,
    on_fault: Callable[[RowFault], None],
    on_progress: Callable[[int], None] = lambda done: None,
) -> LoadSummary:
    """Upsert districts by adcode and streets by code; boundaries in `datum` are kept in WGS-84.

    A feature's own `datum` property overrides. Properties of a district: adcode (six digits), name,
    population_2020 (or population); of a street as `street_of` says. Districts go in first,
    wherever they stand. Faults count features from 1 in place of lines.
    """
    summary = LoadSummary()
    numbered = list(enumerate(features_of(path), start=1))
    numbered.sort(key=lambda item: is_street(item[1]))
    for number, feature in numbered:
        summary.read += 1
        if is_cgcs2000(str(properties_of(feature).get("datum", ""))):
            summary.warnings[DATUM_CGCS2000] += 1
        try:
            outcome = _load(feature, datum)
            setattr(summary, outcome, getattr(summary, outcome) + 1)
        except BadFeatureError as error:
            summary.refused += 1
            code, subject = str(error), str(properties_of(feature).get("name", ""))
            on_fault(RowFault(number, subject, code, _(DISTRICT_REASONS[code])))
        on_progress(summary.read)
    return summary


def _load(feature: Any, datum: Datum | None) -> str:
    if is_street(feature):
        return upsert_street(street_of(feature, datum))
    return _upsert(_district(feature, datum))


def is_outside(district: District | None, longitude_deg: float, latitude_deg: float) -> bool | None:
    """Whether a WGS-84 point lies outside the district; None if no boundary is on file."""
    if district is None or district.boundary is None:
        return None
    return not bool(contains(district.boundary, longitude_deg, latitude_deg)[0])


def district_fault(adcode: str, name: str, population: Any) -> str | None:
    """Why a district of these properties is not accepted, a code of DISTRICT_REASONS."""
    if len(adcode) != ADCODE_DIGITS or not (adcode.isascii() and adcode.isdigit()):
        return "adcode_malformed"
    if not 0 < len(name) <= MAX_NAME:
        return "name_missing"
    is_count = type(population) is int and 0 <= population <= MAX_POPULATION
    return None if population is None or is_count else "population_malformed"


class DistrictBook:
    """The districts on file, looked up by name or adcode, with their boundaries."""

    def __init__(self) -> None:
        districts = list(District.objects.all())
        self._boundaries = {one.adcode: one.boundary for one in districts if one.boundary}
        self._extents = [_extent(boundary) for boundary in self._boundaries.values()]
        self._adcodes = {one.name: one.adcode for one in districts}
        self._adcodes |= {str(one.adcode): one.adcode for one in districts}

    def adcodes(self, names: Iterable[str]) -> list[int | None]:
        """Adcodes of district names or adcodes as text; None for one that is not on file."""
        return [self._adcodes.get(name) for name in names]

    def far(self, longitude_deg: Floats, latitude_deg: Floats) -> Mask:
        """Which points lie more than FAR_M east, west, north or south of every district's extent.

        None do while no boundary is on file. Any datum will do: they differ by a kilometre.
        """
        far = np.isfinite(longitude_deg) & bool(self._extents)
        per_deg_m = _DEGREE_M * np.maximum(np.cos(np.radians(latitude_deg)), _LEAST_COSINE)
        for west, south, east, north in self._extents:
            apart_m = np.maximum(west - longitude_deg, longitude_deg - east) * per_deg_m
            beside_m = np.maximum(south - latitude_deg, latitude_deg - north) * _DEGREE_M
            far &= np.maximum(apart_m, beside_m) > FAR_M
        return far

    def check_guess(self, names: Iterable[str]) -> None:
        """Of names in a guessed encoding one must be on file; else UnreadableFileError."""
        given = {name.strip() for name in names} - {""}
        if self._adcodes and given and given.isdisjoint(self._adcodes):
            raise UnreadableFileError(
                _(
                    "The file is not UTF-8, and read as GB18030 it names no district on file"
                    " (%(name)s, …). Save it as CSV UTF-8."
                )
                % {"name": min(given)}
            )

    def outside(
        self, adcodes: list[int | None], longitude_deg: Floats, latitude_deg: Floats
    ) -> list[bool | None]:
        """`is_outside` per WGS-84 point and its district."""
        outside: list[bool | None] = [None] * len(adcodes)
        for adcode, boundary in self._boundaries.items():
            rows = [row for row, other in enumerate(adcodes) if other == adcode]
            found = contains(boundary, longitude_deg[rows], latitude_deg[rows])
            for row, is_inside in zip(rows, found.tolist(), strict=True):
                outside[row] = not is_inside
        return outside


def _extent(boundary: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """West, south, east and north of a boundary, degrees."""
    parts = boundary["coordinates"]
    polygons = [parts] if boundary["type"] == "Polygon" else parts
    positions = np.array([place for rings in polygons for place in rings[0]], dtype=np.float64)
    (west, south), (east, north) = positions.min(axis=0), positions.max(axis=0)
    return float(west), float(south), float(east), float(north)


def _district(feature: Any, datum: Datum | None) -> District:
    properties = properties_of(feature)
    adcode, name = str(properties.get("adcode", "")), str(properties.get("name") or "").strip()
    population = properties.get("population_2020", properties.get("population"))
    if fault := district_fault(adcode, name, population):
        raise BadFeatureError(fault)
    return District(
        adcode=int(adcode),
        name=name,
        population=population,
        boundary=boundary_of(feature, datum),
    )


@transaction.atomic
def _upsert(district: District) -> str:
    """Write one district; which of the summary's counts it belongs to."""
    if District.objects.filter(name=district.name).exclude(pk=district.pk).exists():
        raise BadFeatureError("name_taken")
    known = District.objects.select_for_update().filter(pk=district.pk).first()
    if known is None:
        district.save(force_insert=True)
        return "new"
    fields = ("name", "population", "boundary")
    if all(getattr(known, field) == getattr(district, field) for field in fields):
        return "unchanged"
    district.save(update_fields=fields)
    return "changed"
