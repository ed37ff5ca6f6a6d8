"""Where vouchers are used and refused, from city to district to street: tables, and map shapes.

The tables are the figures: the map's script colours its shapes by the numbers in their rows, and
the tables are the fallback without JavaScript, or for a reader who can't see the map.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from merchants.models import District
from vouchers.http.base_map import BaseMap
from vouchers.money import yuan
from vouchers.pages.live.viewer import check_may_watch, watched_area
from vouchers.queries.audience import Shape
from vouchers.queries.live.board import refused_lately, used_today
from vouchers.queries.live.places import (
    DistrictUse,
    Place,
    Point,
    district_use,
    middles,
    stores_drawn,
    streets_of,
)

STORES_LISTED: Final = 20
MOST_ADCODE: Final = 999_999

Row = dict[str, Any]


class Spot(msgspec.Struct, frozen=True):
    """A store or a district on the map, in degrees of its datum."""

    id: int
    name: str
    longitude_deg: float
    latitude_deg: float


class Shapes(msgspec.Struct, frozen=True):
    """What a map draws: districts of the city, or streets and stores of one district. `spots` are
    what has no boundary."""

    areas: list[Shape]
    spots: list[Spot] = []


def rows_of(places: Sequence[Place]) -> list[Row]:
    """Places as rows of a table."""
    return [
        {
            "number": place.number,
            "name": place.name or _("unknown"),
            "use": place.use,
            "vouchers": f"{place.use.vouchers:,}",
            "subsidy": yuan(place.use.discount_fen),
            "refused": f"{place.use.refused:,}",
        }
        for place in places
    ]


def district_html(found: DistrictUse) -> SafeString:
    """Streets and stores of a district, in the language in force."""
    stores = rows_of(found.stores)
    context = {
        "district": found.district,
        "streets": rows_of(found.streets),
        "stores": stores[:STORES_LISTED],
        "further": stores[STORES_LISTED:],
        "has_boundaries": any(place.number for place in found.streets),
    }
    return render_to_string("vouchers/live/district.html", context)


def opened_district(request: HttpRequest) -> DistrictUse | None:
    """The district in the page's address; None for the city, and for what is none of the
    viewer's."""
    adcode = request.GET.get("district", "")
    if not (adcode.isascii() and adcode.isdigit() and int(adcode) <= MOST_ADCODE):
        return None
    found = _seen(request).filter(pk=int(adcode)).first()
    return None if found is None else _use(request, found)


@require_GET
def district(request: HttpRequest, adcode: int) -> HttpResponse:
    """The tables of a district, which the page asks for again while it is looked at."""
    check_may_watch(request)
    found = get_object_or_404(_seen(request), pk=adcode)
    html = district_html(_use(request, found))
    return HttpResponse(html, headers={"Cache-Control": "no-store"})


@require_GET
def city_shapes(request: HttpRequest) -> HttpResponse:
    """The districts' boundaries, and of those that have none on file the middle of their stores,
    as JSON."""
    check_may_watch(request)
    drawn, base = _seen(request).filter(boundary__isnull=False), BaseMap.of_settings()
    return _answer(
        Shapes(
            [Shape(row.pk, row.name, base.area(row.boundary)) for row in drawn if row.boundary],
            _spots(
                middles(_seen(request).filter(boundary__isnull=True), area=watched_area(request)),
                base,
            ),
        )
    )


@require_GET
def district_shapes(request: HttpRequest, adcode: int) -> HttpResponse:
    """Those of a district's streets and stores that lie in the viewer's area, as JSON."""
    check_may_watch(request)
    found = get_object_or_404(_seen(request), pk=adcode)
    area, base = watched_area(request), BaseMap.of_settings()
    return _answer(
        Shapes(
            [Shape(row.pk, row.name, base.area(row.boundary)) for row in streets_of(found, area)],
            _spots(stores_drawn(found, area=area, at=timezone.now()), base),
        )
    )


def _spots(places: Sequence[Point], base: BaseMap) -> list[Spot]:
    points = base.points(
        [place.longitude_deg for place in places], [place.latitude_deg for place in places]
    )
    return [
        Spot(place.number, place.name, *point) for place, point in zip(places, points, strict=True)
    ]


def _seen(request: HttpRequest) -> QuerySet[District]:
    """The districts of the viewer's area, or in which its streets lie."""
    seen: QuerySet[District] = watched_area(request).shown(District.objects.order_by("adcode"))
    return seen


def _use(request: HttpRequest, district: District) -> DistrictUse:
    area, at = watched_area(request), timezone.now()
    return district_use(
        district, area=area, used=used_today(at, area), refused=refused_lately(at, area)
    )


def _answer(shapes: Shapes) -> HttpResponse:
    """Shapes change with an import alone; a page that is open may keep them."""
    return HttpResponse(
        msgspec.json.encode(shapes),
        content_type="application/json",
        headers={"Cache-Control": "private, max-age=300"},
    )
