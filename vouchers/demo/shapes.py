"""Boundaries for the demo's city, which come from nowhere: drawn from the quarters alone.

A street is what lies nearer to one quarter than to any other, a district is its streets together.
They are a map to look at and to target by; the real districts look different.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from merchants.geo import Datum
from vouchers.demo.places import COSINE, DISTRICTS, DistrictFacts

Point = tuple[float, float]
Ring = list[Point]

OUTLINE: Final[Ring] = [
    (121.02, 30.70),
    (121.90, 30.70),
    (122.05, 30.88),
    (122.00, 31.20),
    (121.86, 31.46),
    (121.60, 31.74),
    (121.22, 31.74),
    (121.02, 31.44),
]
"""The city's edge, counterclockwise."""

DIGITS: Final = 6
"""Decimal places of a degree, about 0.1 m: two cells round the corner they share alike."""

ORDINALS: Final = ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一")


def write_districts(path: Path) -> None:
    """A GeoJSON file of the districts and their streets, as `import_districts` reads it."""
    document = {"type": "FeatureCollection", "features": list(_features())}
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def _features() -> Iterator[dict[str, Any]]:
    centres = [
        (quarter.longitude_deg, quarter.latitude_deg)
        for district in DISTRICTS
        for quarter in district.quarters
    ]
    cells = iter([_cell(centre, centres) for centre in centres])
    for district in DISTRICTS:
        streets = [next(cells) for _quarter in district.quarters]
        yield _feature(
            str(district.adcode),
            district.name,
            {"type": "MultiPolygon", "coordinates": [[ring] for ring in _together(streets)]},
            population_2020=district.population,
        )
        for number, street in enumerate(streets):
            yield _feature(
                f"{district.adcode}{number + 1:03d}",
                _street_name(district, number),
                {"type": "Polygon", "coordinates": [_closed(street)]},
            )


def _street_name(district: DistrictFacts, number: int) -> str:
    return f"{district.name.removesuffix('新区').removesuffix('区')}第{ORDINALS[number]}街道"


def _feature(adcode: str, name: str, geometry: dict[str, Any], **more: Any) -> dict[str, Any]:
    properties = {"adcode": adcode, "name": name, "datum": Datum.WGS_84.value, **more}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def _cell(centre: Point, centres: Sequence[Point]) -> Ring:
    """What of the city lies nearer to a centre than to the others; counterclockwise, convex."""
    ring = OUTLINE
    for other in centres:
        if other != centre:
            ring = _nearer(ring, centre, other)
    return [(round(x, DIGITS), round(y, DIGITS)) for x, y in ring]


def _nearer(ring: Ring, centre: Point, other: Point) -> Ring:
    """The part of a convex ring that lies nearer to one point than to another."""
    squeeze = COSINE * COSINE  # a degree of longitude is shorter than one of latitude
    a, b = squeeze * (other[0] - centre[0]), other[1] - centre[1]
    limit = (a * (other[0] + centre[0]) + b * (other[1] + centre[1])) / 2
    beyond = [a * x + b * y - limit for x, y in ring]
    kept: Ring = []
    for position, (here, there) in enumerate(zip(ring, [*ring[1:], ring[0]], strict=True)):
        far, next_far = beyond[position], beyond[(position + 1) % len(ring)]
        if far <= 0:
            kept.append(here)
        if (far < 0) != (next_far < 0) and far != next_far:
            part = far / (far - next_far)
            kept.append(
                (here[0] + part * (there[0] - here[0]), here[1] + part * (there[1] - here[1]))
            )
    return kept


def _together(rings: Iterable[Ring]) -> Iterator[Ring]:
    """The closed outlines of rings that share edges; what two of them share is no outline."""
    edges = {edge for ring in rings for edge in zip(ring, [*ring[1:], ring[0]], strict=True)}
    onward = {start: end for start, end in edges if (end, start) not in edges and start != end}
    while onward:
        start, here = onward.popitem()
        outline = [start]
        while here != start:
            outline.append(here)
            here = onward.pop(here)
        yield _closed(outline)


def _closed(ring: Ring) -> Ring:
    return [*ring, ring[0]]
