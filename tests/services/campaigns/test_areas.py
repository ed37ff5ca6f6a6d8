"""Polygons of a draft are judged before they are saved."""

from typing import Any

import pytest

from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import NOON
from vouchers.models import Campaign
from vouchers.services.campaigns.drafts import RowEdit, edit_campaign, newest_edit

pytestmark = pytest.mark.django_db

TIE = [[121.4, 31.2], [121.5, 31.3], [121.5, 31.2], [121.4, 31.3], [121.4, 31.2]]
SQUARE = [[121.4, 31.2], [121.5, 31.2], [121.5, 31.3], [121.4, 31.3], [121.4, 31.2]]


def save(campaign: Campaign, geometry: Any) -> None:
    edit_campaign(
        campaign=campaign,
        seen_edit=newest_edit(campaign),
        options={},
        parts={"geofences": [RowEdit(None, {"kind": "include_polygon", "geometry": geometry})]},
        by=cast.mei(),
        at=NOON,
    )


def test_a_sound_polygon_is_saved() -> None:
    draft = cast.spring_campaign()
    save(draft, {"type": "Polygon", "coordinates": [SQUARE]})
    assert draft.geofences.count() == 1


@pytest.mark.parametrize(
    ("geometry", "rule"),
    [
        ({"type": "Polygon", "coordinates": [TIE]}, "area_crosses_itself"),
        ({"type": "Polygon", "coordinates": [[c[::-1] for c in SQUARE]]}, "area_coordinates"),
        ({}, "area_malformed"),
        ({"type": "Polygon", "coordinates": [SQUARE[:-1]]}, "area_malformed"),
    ],
)
def test_an_unsound_polygon_is_refused_and_nothing_saved(geometry: Any, rule: str) -> None:
    draft = cast.spring_campaign()
    before = newest_edit(draft)
    with pytest.raises(Refused) as refused:
        save(draft, geometry)
    assert (refused.value.refusal.code, refused.value.refusal.rule) == ("terms_invalid", rule)
    assert not draft.geofences.exists()
    assert newest_edit(draft) == before
