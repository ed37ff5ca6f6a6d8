"""Features of a GeoJSON file: their properties, and their boundaries brought to WGS-84."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from merchants.geo import (
    FAULTS,
    Datum,
    Floats,
    InvalidGeometryError,
    UnknownDatumError,
    contains,
    converted,
    coordinate_faults,
    to_wgs84,
)
from merchants.services.encodings import UnreadableFileError


class BadFeatureError(Exception):
    """A feature that is left out, with the code why."""


def features_of(path: Path) -> list[Any]:
    """The features of a collection, unjudged. Raises UnreadableFileError."""
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
        features = document["features"]
    except OSError as error:
        raise UnreadableFileError(
            _("%(path)s can't be read: %(error)s.") % {"path": path, "error": error.strerror}
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableFileError(_("The file is not a GeoJSON feature collection.")) from error
    if not isinstance(features, list) or not features:
        raise UnreadableFileError(_("The file holds no features."))
    return features


def properties_of(feature: Any) -> Mapping[str, Any]:
    """A feature's properties, none where it is malformed."""
    properties = feature.get("properties") if isinstance(feature, dict) else None
    return properties if isinstance(properties, dict) else {}


def boundary_of(feature: Any, default: Datum | None) -> dict[str, Any]:
    """A feature's geometry in WGS-84, from the datum it names or else the default. Raises
    BadFeatureError."""
    datum, geometry = _datum(properties_of(feature), default), feature.get("geometry")
    try:
        contains(geometry, [], [])
    except InvalidGeometryError as error:
        raise BadFeatureError("boundary_malformed") from error
    return converted(geometry, partial(_to_wgs84, datum=datum))


def _datum(properties: Mapping[str, Any], default: Datum | None) -> Datum:
    given = properties.get("datum")
    try:
        datum = Datum.parse(str(given)) if given else default
    except UnknownDatumError:
        datum = None
    if datum is None:
        raise BadFeatureError("datum_unknown")
    return datum


def _to_wgs84(lon: Floats, lat: Floats, datum: Datum) -> tuple[Floats, Floats]:
    found = coordinate_faults(lon, lat)
    if found.any():
        raise BadFeatureError(FAULTS[int(found[found > 0][0]) - 1].value)
    return to_wgs84(lon, lat, datum)
