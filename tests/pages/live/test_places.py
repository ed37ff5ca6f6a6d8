"""Where vouchers are used and refused: by district, and within one by street and store."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from merchants.models import District, Merchant, Store, Street
from tests.admin.conftest import signed_in
from tests.support import cast
from tests.support.cast import NOON
from tests.support.till import answer_to, issue_vouchers, order
from vouchers.models import Campaign
from vouchers.queries.live.board import board, refused_lately, used_today
from vouchers.queries.live.places import DistrictUse, Place, Use, district_use
from vouchers.queries.roles import CITY, Area

pytestmark = pytest.mark.django_db

SOON = NOON + timedelta(minutes=1)
BUND, SQUARE = 310101002, 310101015
UNUSED = Use()
ONCE = Use(vouchers=1, discount_fen=2_000)


@pytest.fixture
def campaign() -> Campaign:
    """Two stores of Huangpu used a voucher each and refused once; one lies in a street."""
    campaign = cast.running_campaign(limits={})
    lon, lat = cast.PEOPLES_SQUARE
    ring = [(lon - 0.01, lat - 0.01), (lon + 0.01, lat - 0.01), (lon, lat + 0.02)]
    cast.street([*ring, ring[0]], code=SQUARE, name="人民广场")
    cast.street([(121.48, 31.2), (121.5, 31.2), (121.5, 31.21), (121.48, 31.2)], code=BUND)
    alice = cast.alice()
    first, second = issue_vouchers(campaign, [alice] * 2)
    for voucher, store in ((first, cast.nanjing_road()), (second, cast.xujiahui())):
        assert answer_to(order(voucher, store, alice))[0] == HTTPStatus.CREATED
    again = order(first, cast.nanjing_road(), alice, key="again")
    assert answer_to(again)[0] == HTTPStatus.CONFLICT
    return campaign


def huangpu() -> DistrictUse:
    used, refused = used_today(SOON, CITY), refused_lately(SOON, CITY)
    return district_use(cast.district(), area=CITY, used=used, refused=refused)


def test_a_city_adds_its_districts_up(campaign: Campaign) -> None:
    District.objects.create(adcode=310104, name="徐汇区")
    assert board(at=SOON).districts == [
        Place(310101, "黄浦区", Use(vouchers=2, discount_fen=4_000, refused=1)),
        Place(310104, "徐汇区", UNUSED),
    ]
    Store.objects.filter(external_id="xujiahui").update(district=None)
    assert board(at=SOON).districts == [
        Place(310101, "黄浦区", ONCE._replace(refused=1)),
        Place(None, "", ONCE),
        Place(310104, "徐汇区", UNUSED),
    ]


def test_a_district_has_its_streets_and_what_lies_in_none(campaign: Campaign) -> None:
    found = huangpu()
    assert found.streets == [
        Place(SQUARE, "人民广场", ONCE._replace(refused=1)),
        Place(None, "", ONCE),
        Place(BUND, "外滩", UNUSED),
    ]
    assert [(store.name, store.use.vouchers) for store in found.stores] == [
        ("nanjing_road", 1),
        ("xujiahui", 1),
    ]


def test_refusals_are_those_of_an_hour_and_never_the_sandbox(campaign: Campaign) -> None:
    late = SOON + timedelta(hours=1)
    assert {place.use.refused for place in board(at=late).districts} == {0}
    Merchant.objects.update(is_test=True)
    assert {place.use.refused for place in board(at=SOON).districts} == {0}
    assert huangpu().stores == []


class TestPages:
    @pytest.fixture
    def client(self) -> Client:
        client = signed_in(cast.member("shen", "auditor"))
        client.cookies.load({"django_language": "en"})
        return client

    def test_a_district_is_opened_without_a_script(self, client: Client) -> None:
        District.objects.create(adcode=310104, name="<i>徐汇</i>")
        page = client.get(reverse("live"), {"district": "310104"}).content.decode()
        assert "City</a> › &lt;i&gt;徐汇&lt;/i&gt;" in page
        assert "is-open" in page

    @pytest.mark.parametrize("text", ["", "999999", "-1", "x", "9" * 40, "³"])
    def test_an_unknown_district_shows_the_city(self, client: Client, text: str) -> None:
        page = client.get(reverse("live"), {"district": text}).content.decode()
        assert 'data-part="districts"' in page
        assert "is-open" not in page

    def test_the_shapes_are_those_on_file(self, client: Client) -> None:
        square = {"type": "Polygon", "coordinates": [[[121, 31], [122, 31], [121, 32], [121, 31]]]}
        cast.district()
        assert drawn(client, "live-shapes") == {"areas": [], "spots": []}
        cast.nanjing_road()
        lon, lat = cast.PEOPLES_SQUARE
        middle = {"id": 310101, "name": "黄浦区", "longitude_deg": lon, "latitude_deg": lat}
        assert drawn(client, "live-shapes") == {"areas": [], "spots": [middle]}
        District.objects.update(boundary=square)
        cast.street([(121.4, 31.2), (121.5, 31.2), (121.5, 31.3), (121.4, 31.2)])
        assert drawn(client, "live-shapes")["spots"] == []
        (area,) = drawn(client, "live-shapes")["areas"]
        assert area == {"id": 310101, "name": "黄浦区", "geometry": square}
        inside = drawn(client, "live-district-shapes", 310101)
        assert [area["name"] for area in inside["areas"]] == ["外滩"]
        assert [store["name"] for store in inside["spots"]] == ["nanjing_road"]

    @pytest.mark.parametrize(
        ("name", "arguments"),
        [("live-shapes", []), ("live-district-shapes", [310101]), ("live-district", [310101])],
    )
    def test_users_without_a_role_can_not_see_them(self, name: str, arguments: list[int]) -> None:
        cast.district()
        address = reverse(name, args=arguments)
        assert Client().get(address).status_code == HTTPStatus.FOUND
        nemo = signed_in(User.objects.create_user("nemo", is_staff=True))
        assert nemo.get(address).status_code == HTTPStatus.FORBIDDEN

    def test_a_role_for_one_district_sees_no_other(self, campaign: Campaign) -> None:
        District.objects.create(adcode=310104, name="徐汇区")
        person = User.objects.create_user("xu", is_staff=True)
        client = signed_in(cast.grant(person, "auditor", where=District.objects.get(pk=310104)))
        page = client.get(reverse("live"), {"district": "310101"}).content.decode()
        assert "徐汇区" in page
        assert "黄浦区" not in page
        for name in ("live-district", "live-district-shapes"):
            assert client.get(reverse(name, args=[310104])).status_code == HTTPStatus.OK
            assert client.get(reverse(name, args=[310101])).status_code == HTTPStatus.NOT_FOUND

    def test_a_role_for_one_street_sees_that_street_alone(self, campaign: Campaign) -> None:
        person = User.objects.create_user("wai", is_staff=True)
        cast.grant(person, "auditor", where=Street.objects.get(pk=SQUARE))
        client = signed_in(person)
        tables = client.get(reverse("live-district", args=[310101])).content.decode()
        assert "人民广场" in tables
        assert "外滩" not in tables
        inside = drawn(client, "live-district-shapes", 310101)
        assert [area["name"] for area in inside["areas"]] == ["人民广场"]
        assert [store["name"] for store in inside["spots"]] == ["nanjing_road"]
        lon, lat = cast.PEOPLES_SQUARE
        (middle,) = drawn(client, "live-shapes")["spots"]
        assert (middle["longitude_deg"], middle["latitude_deg"]) == (lon, lat)

    def test_what_a_street_is_shown_adds_up_within_it(self, campaign: Campaign) -> None:
        area, once = Area.of(310101, SQUARE), ONCE._replace(refused=1)
        shown = board(at=SOON, area=area)
        assert shown.districts == [Place(310101, "黄浦区", once)]
        assert (shown.campaigns, shown.rates.today_count) == ([], 1)
        used, refused = used_today(SOON, area), refused_lately(SOON, area)
        found = district_use(cast.district(), area=area, used=used, refused=refused)
        assert found.streets == [Place(SQUARE, "人民广场", once)]
        assert found.stores == [Place(cast.nanjing_road().pk, "nanjing_road", once)]

    def test_an_unknown_district_is_not_found(self, client: Client) -> None:
        for name in ("live-district", "live-district-shapes"):
            assert client.get(reverse(name, args=[1])).status_code == HTTPStatus.NOT_FOUND


def drawn(client: Client, name: str, *arguments: int) -> Any:
    return client.get(reverse(name, args=arguments)).json()
