"""Who watches a district or a street is told what lies there, and nothing of the rest of the city:
by the open stream, and of what was missed when it comes back."""

import asyncio
import re
from collections.abc import Iterable
from contextlib import closing

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from merchants.models import District, Store
from tests.admin.conftest import signed_in
from tests.support import cast
from tests.support.cases import used, watched
from tests.support.risk import rule
from vouchers.models import Campaign
from vouchers.pages.live.poller import Client, Event, _Round
from vouchers.pages.live.screen import cursor_text
from vouchers.pages.live.stream import _missed
from vouchers.pages.live.viewer import Viewer
from vouchers.queries.live.alerts import newest_cursor
from vouchers.queries.roles import CITY, NOWHERE, Area
from vouchers.states import RiskKind, RiskVerdict

pytestmark = pytest.mark.django_db

BUND = 310101002
HUANGPU, XUHUI, PUDONG = 310101, 310104, 310115
HERE, THERE = "nanjing_road", "xujiahui"
SEEN = {
    Area.of(HUANGPU): [HERE],
    Area.of(None, BUND): [HERE],
    Area.of(XUHUI): [THERE],
    Area.of(HUANGPU) | Area.of(XUHUI): [HERE, THERE],
    Area.of(PUDONG): [],
    NOWHERE: [],
    CITY: [HERE, THERE],
}
"""The stores of which each area is told."""


@pytest.fixture
def campaign() -> Campaign:
    """Every order of the tests' noon is held: a signal and a hold. One of its stores lies on the
    Bund, the other in Xuhui."""
    noon = {"from_hour": 12, "to_hour": 13}
    campaign = watched(rule(RiskKind.NIGHT_HOURS, verdict=RiskVerdict.HOLD, figures=noon))
    cast.street([(121.4, 31.2), (121.5, 31.2), (121.5, 31.3), (121.4, 31.3), (121.4, 31.2)])
    Store.objects.filter(external_id=HERE).update(district=HUANGPU, street=BUND)
    Store.objects.filter(external_id=THERE).update(district=cast.district(XUHUI, "徐汇区"))
    return campaign


def redeemed_in_both_districts(campaign: Campaign) -> None:
    used(campaign, [cast.alice()], store=cast.nanjing_road())
    used(campaign, [cast.bob()], store=cast.xujiahui())


def stores(alerts: Iterable[Event]) -> list[str]:
    """The stores named in alerts, a signal and a hold of each."""
    named = sorted(name for event in alerts for name in re.findall(f"{HERE}|{THERE}", event.data))
    assert named[::2] == named[1::2]
    return named[::2]


def test_an_open_stream_tells_of_its_own_area_alone(campaign: Campaign) -> None:
    with closing(asyncio.new_event_loop()) as loop:
        viewers = [Client("en", area, loop) for area in SEEN]
        round_ = _Round()
        round_.tell(viewers)
        redeemed_in_both_districts(campaign)
        round_.tell(viewers)
        loop.run_until_complete(asyncio.sleep(0))
        assert {viewer.area: stores(viewer.alerts) for viewer in viewers} == SEEN


def test_who_comes_back_is_told_what_was_missed_of_the_own_area_alone(campaign: Campaign) -> None:
    after = cursor_text(newest_cursor())
    redeemed_in_both_districts(campaign)
    assert {area: stores(_missed(Viewer("en", area, after))) for area in SEEN} == SEEN


def test_the_page_shows_alerts_of_its_area_alone(campaign: Campaign) -> None:
    redeemed_in_both_districts(campaign)
    for place, names in ((HUANGPU, [HERE]), (XUHUI, [THERE]), (None, [HERE, THERE])):
        user = User.objects.create_user(f"watches-{place}", is_staff=True)
        where = place and District.objects.get(pk=place)
        browser = signed_in(cast.grant(user, "auditor", where=where or None))
        alerts = browser.get(reverse("live-board")).json()["alerts"]
        assert stores(Event("alert", alert) for alert in alerts) == names
