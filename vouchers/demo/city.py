"""A city of made-up residents: in proportion to the census, clustered as people live."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from merchants.geo import Datum, from_wgs84
from merchants.models import District, Street
from merchants.services import RowFault, enrol_district, import_districts
from merchants.services.blocks import DATUMS
from vouchers.demo.places import COSINE, DISTRICTS, Quarter
from vouchers.demo.shapes import write_districts
from vouchers.money import split_pro_rata
from vouchers.queries.residents import count_residents
from vouchers.services.residents import PointColumns, ResidentColumns, load_residents

SEED: Final = 20_201_101  # the day of the census
BLOCK_RESIDENTS: Final = 50_000
CUSTOMER_BIT: Final = 0
"""Tag bit 0: already a customer of the group."""

CUSTOMER_SHARE: Final = 0.38
REGISTERED_SHARE: Final = 0.58
"""With a registered household (户籍): in Shanghai's census of 2020 14.4 of 24.9 million."""
CONSENT_SHARE: Final = 0.93
CONSENT_TEXT: Final = "2026-01"
HOME_SHARE: Final = 0.985
OUTLYING_SHARE: Final = 0.08
OUTLYING_FACTOR: Final = 2.5
"""Some live far from any centre: this share, scattered this many times wider."""

DATUM_SHARES: Final = {Datum.WGS_84: 0.25, Datum.GCJ_02: 0.55, Datum.BD_09: 0.20}
BIRTH_YEARS: Final = (
    (1936, 1946, 0.05),
    (1946, 1966, 0.24),
    (1966, 1991, 0.44),
    (1991, 2008, 0.27),
)
"""From, until and share of the adults born then."""

METRES_PER_DEGREE: Final = 111_000.0


def found_districts(*, directory: Path, is_drawn: bool) -> int:
    """The districts; if `is_drawn` with made-up boundaries and streets, unless some have real ones.
    Returns how many streets there are."""
    if is_drawn and not District.objects.filter(boundary__isnull=False).exists():
        faults: list[RowFault] = []
        path = directory / "districts.geojson"
        write_districts(path)
        import_districts(path=path, datum=None, on_fault=faults.append)
        assert not faults, faults[0]
    known = set(District.objects.values_list("adcode", flat=True))
    for district in DISTRICTS:
        if district.adcode not in known:
            enrol_district(
                adcode=district.adcode, name=district.name, population=district.population
            )
    return Street.objects.count()


def build_city(
    *, residents: int, at: datetime, on_progress: Callable[[float], None] = lambda done: None
) -> int:
    """At least `residents` people on file; returns how many there are.

    A city that is there already, and large enough, stays as it is.
    """
    on_file = count_residents()
    if on_file >= residents:
        return on_file
    for start in range(0, residents, BLOCK_RESIDENTS):
        people = _people(start, min(BLOCK_RESIDENTS, residents - start))
        load_residents(rows=people, at=at)
        on_progress(start + len(people))
    return count_residents()


def _people(start: int, count: int) -> ResidentColumns:
    """Residents number `start` and the `count` - 1 after it; always the same ones."""
    rng = np.random.default_rng((SEED, start))
    per_district = split_pro_rata(count, [district.population for district in DISTRICTS])
    place = rng.permutation(np.repeat(np.arange(len(DISTRICTS)), per_district))
    consents = rng.random(count) < CONSENT_SHARE
    return ResidentColumns(
        external_id=[f"SH{number:08d}" for number in range(start + 1, start + count + 1)],
        points={"home": _points(rng, *_homes(rng, place))},
        birth_year=_birth_years(rng, count),
        district=np.array([district.adcode for district in DISTRICTS])[place],
        tags=(rng.random(count) < CUSTOMER_SHARE).astype(np.int64) << CUSTOMER_BIT,
        consent_targeting=[CONSENT_TEXT if yes else "" for yes in consents.tolist()],
        is_registered=(rng.random(count) < REGISTERED_SHARE).astype(np.int8),
    )


def _homes(
    rng: np.random.Generator, place: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lon, lat = np.empty(place.size), np.empty(place.size)
    for number, district in enumerate(DISTRICTS):
        at = np.flatnonzero(place == number)
        lon[at], lat[at] = _scatter(rng, district.quarters, at.size)
    return lon, lat


def _scatter(
    rng: np.random.Generator, quarters: Sequence[Quarter], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of a mixture of gaussians round the quarters, WGS-84."""
    table = np.array(quarters)
    quarter = table[rng.choice(len(quarters), count, p=table[:, 2] / table[:, 2].sum())]
    spread_m = quarter[:, 3] * np.where(rng.random(count) < OUTLYING_SHARE, OUTLYING_FACTOR, 1.0)
    east_m, north_m = rng.standard_normal((2, count)) * spread_m
    lon = quarter[:, 0] + east_m / (METRES_PER_DEGREE * COSINE)
    return lon, quarter[:, 1] + north_m / METRES_PER_DEGREE


def _points(
    rng: np.random.Generator, lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> PointColumns:
    """Homes as different systems would have recorded them: each in some datum, some not known."""
    names = list(DATUM_SHARES)
    chosen = rng.choice(len(names), lon.size, p=list(DATUM_SHARES.values()))
    given_lon, given_lat = lon.copy(), lat.copy()
    for number, datum in enumerate(names):
        at = chosen == number
        given_lon[at], given_lat[at] = from_wgs84(lon[at], lat[at], datum)
    unknown = rng.random(lon.size) >= HOME_SHARE
    given_lon[unknown], given_lat[unknown] = np.nan, np.nan
    position = np.array([DATUMS.index(datum) for datum in names], dtype=np.int8)
    return PointColumns(given_lon.round(6), given_lat.round(6), position[chosen])


def _birth_years(rng: np.random.Generator, count: int) -> NDArray[np.integer[Any]]:
    first, end, share = np.array(BIRTH_YEARS).T
    band = rng.choice(len(BIRTH_YEARS), count, p=share)
    return np.asarray(rng.integers(first[band].astype(int), end[band].astype(int)))
