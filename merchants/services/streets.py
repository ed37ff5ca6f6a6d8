"""Streets (街镇) from a GeoJSON file: areas with a parent district, fit to bound a campaign by."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from django.db import transaction
from django.utils.translation import gettext_noop

from merchants.geo import AreaFlaw, Datum, area_flaw, contains, rings_of
from merchants.models import District, Store, Street
from merchants.services.features import BadFeatureError, boundary_of, properties_of
from merchants.services.street_places import hold_boundaries_to_change_them, place_stores

STREET_REASONS: Final[Mapping[str, str]] = {
    "street_code_malformed": gettext_noop(
        "A street needs a code of nine digits, or of twelve that end in 000."
    ),
    "parent_unknown": gettext_noop(
        "The district of the street is not on file. Import districts first, or in the same file."
    ),
    "street_elsewhere": gettext_noop(
        "The street is on file in another district. A street that changes its district gets a new"
        " code."
    ),
    "street_name_taken": gettext_noop("Another street of the district has this name."),
    "outside_parent": gettext_noop("No corner of the street lies in its district."),
    AreaFlaw.TOO_DETAILED.value: gettext_noop(
        "The boundary has more than 2,000 corners. Simplify it."
    ),
    AreaFlaw.CROSSES_ITSELF.value: gettext_noop(
        "Edges of the boundary cross: it is unclear what lies inside."
    ),
    AreaFlaw.EMPTY.value: gettext_noop("The boundary encloses nothing."),
}
"""Why a street is refused, beside what any feature is refused for."""

MAX_NAME: Final = 40
STREET_DIGITS: Final = 9
ADCODE_DIGITS: Final = 6
_VILLAGES: Final = "000"
"""What the statistics bureau's twelve-digit codes end in where they mean a whole street."""


def is_street(feature: Any) -> bool:
    """Whether a feature is a street: its adcode has more digits than a district's."""
    return len(str(properties_of(feature).get("adcode", ""))) > ADCODE_DIGITS


def street_of(feature: Any, datum: Datum | None) -> Street:
    """A street of a feature's properties adcode, name and, where the code does not begin with that
    of its district, parent (`{"adcode": …}`). Raises BadFeatureError.

    The boundary has to be fit for a campaign's area, since it may become one as it stands.
    """
    properties = properties_of(feature)
    code, name = str(properties.get("adcode", "")), str(properties.get("name") or "").strip()
    if len(code) == STREET_DIGITS + len(_VILLAGES) and code.endswith(_VILLAGES):
        code = code[:STREET_DIGITS]
    if len(code) != STREET_DIGITS or not (code.isascii() and code.isdigit()):
        raise BadFeatureError("street_code_malformed")
    if not 0 < len(name) <= MAX_NAME:
        raise BadFeatureError("name_missing")
    district = _parent(properties, code)
    boundary = boundary_of(feature, datum)
    if flaw := area_flaw(boundary):
        raise BadFeatureError(flaw[0].value)
    if district.boundary is not None:
        corners = np.concatenate([ring for rings in rings_of(boundary) for ring in rings])
        if not contains(district.boundary, corners[:, 0], corners[:, 1]).any():
            raise BadFeatureError("outside_parent")
    return Street(code=int(code), name=name, district=district, boundary=boundary)


def _parent(properties: Mapping[str, Any], code: str) -> District:
    parent = properties.get("parent")
    given = parent.get("adcode") if isinstance(parent, dict) else parent
    adcode = str(given or code[:ADCODE_DIGITS])
    found = District.objects.filter(pk=adcode).first() if adcode.isdecimal() else None
    if found is None:
        raise BadFeatureError("parent_unknown")
    return found


@transaction.atomic
def upsert_street(street: Street) -> str:
    """Write one street; which of the summary's counts it belongs to. Raises BadFeatureError.

    Stores of its district are then where the boundaries now say.
    """
    hold_boundaries_to_change_them()
    others = Street.objects.filter(district=street.district, name=street.name)
    if others.exclude(pk=street.pk).exists():
        raise BadFeatureError("street_name_taken")
    known = Street.objects.select_for_update().filter(pk=street.pk).first()
    if known is not None and known.district_id != street.district_id:
        raise BadFeatureError("street_elsewhere")
    if known is not None and (known.name, known.boundary) == (street.name, street.boundary):
        return "unchanged"
    street.save(force_insert=known is None)
    place_stores(Store.objects.filter(district=street.district_id))
    return "new" if known is None else "changed"
