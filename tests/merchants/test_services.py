"""Merchants, stores, tills and keys: enrolled once, moved by versions, rotated without a gap."""

from datetime import UTC, datetime, timedelta

import pytest

from merchants.errors import Refused
from merchants.geo import Datum, distance_m
from merchants.models import Credential, District, Merchant, Store, Terminal
from merchants.services import (
    enrol_merchant,
    enrol_terminal,
    issue_credential,
    key_sha256,
    merchant_of_brand,
    move_store,
    open_store,
    rotate_key,
)

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 4, 1, 4, 0, tzinfo=UTC)
HOUR_S = 3600
RING = [(121, 31), (122, 31), (122, 32), (121, 32), (121, 31)]
SQUARE = {"type": "Polygon", "coordinates": [RING]}
FAR = {"type": "Polygon", "coordinates": [[(x - 5, y) for x, y in RING]]}


@pytest.fixture
def bailian() -> Merchant:
    return enrol_merchant(code="bailian", name="百联集团", at=NOON)


@pytest.fixture
def tea_house(bailian: Merchant) -> Store:
    return open_tea_house(bailian)


def open_tea_house(merchant: Merchant, *, district: District | None = None) -> Store:
    return open_store(
        merchant=merchant,
        external_id="S1",
        name="茶馆",
        category="dining",
        longitude=121.48,
        latitude=31.23,
        datum=Datum.GCJ_02,
        district=district,
        at=NOON,
    )


def test_a_merchant_code_is_given_once(bailian: Merchant) -> None:
    with pytest.raises(Refused, match="already_exists"):
        enrol_merchant(code="bailian", name="another", at=NOON)
    assert Merchant.objects.get().name == "百联集团"


@pytest.mark.parametrize("number", ["", " T1", "T1\n", "T\u200b1", "Ｔ1", "店1"])
def test_numbers_that_look_like_others_are_not_enrolled(tea_house: Store, number: str) -> None:
    with pytest.raises(Refused, match="number_malformed"):
        enrol_terminal(store=tea_house, code=number)
    with pytest.raises(Refused, match="number_malformed"):
        enrol_merchant(code=number, name="another", at=NOON)
    assert (tea_house.terminals.count(), Merchant.objects.count()) == (0, 1)


def test_a_store_is_kept_in_wgs84_with_what_was_given(tea_house: Store) -> None:
    place = tea_house.locations.get()
    assert (place.version, place.raw_longitude, place.datum) == (1, 121.48, "GCJ-02")
    assert 400 < distance_m(place.longitude_deg, place.latitude_deg, 121.48, 31.23) < 700
    assert place.outside_district is None


def test_a_moved_store_gets_a_new_version_and_the_same_place_none(tea_house: Store) -> None:
    later = NOON + timedelta(days=1)
    moved = move_store(
        store=tea_house, longitude=121.5, latitude=31.2, datum=Datum.WGS_84, at=later
    )
    again = move_store(
        store=tea_house, longitude=121.5, latitude=31.2, datum=Datum.WGS_84, at=later
    )
    assert (moved.version, moved.valid_from_at, again.pk) == (2, later, moved.pk)
    assert tea_house.locations.count() == 2


def test_a_store_is_not_moved_to_nowhere(tea_house: Store) -> None:
    with pytest.raises(Refused) as refused:
        move_store(store=tea_house, longitude=31.2, latitude=121.5, datum=Datum.WGS_84, at=NOON)
    assert refused.value.refusal.rule == "coordinates_swapped"
    assert tea_house.locations.count() == 1


@pytest.mark.parametrize(("adcode", "outside"), [(1, False), (2, True)])
def test_a_store_outside_its_district_is_flagged(
    bailian: Merchant, adcode: int, outside: bool
) -> None:
    District.objects.create(adcode=1, name="near", boundary=SQUARE)
    District.objects.create(adcode=2, name="far", boundary=FAR)
    store = open_tea_house(bailian, district=District.objects.get(pk=adcode))
    assert store.locations.get().outside_district is outside


def test_spellings_of_a_brand_are_one_merchant() -> None:
    assert merchant_of_brand("Ｌａｗｓｏｎ").code == merchant_of_brand("LAWSON").code
    assert merchant_of_brand("罗森").code != merchant_of_brand("全家").code


# Keys


@pytest.fixture
def till(tea_house: Store) -> Terminal:
    return enrol_terminal(store=tea_house, code="T1")


def issue_till_key(till: Terminal, *, is_test: bool = False) -> tuple[Credential, str]:
    return issue_credential(
        name="till 1",
        kind=Credential.Kind.TERMINAL,
        scopes=["redeem", "quote"],
        terminal=till,
        is_test=is_test,
        at=NOON,
    )


@pytest.mark.parametrize(("is_test", "prefix"), [(False, "vk_live_main_"), (True, "vk_test_main_")])
def test_a_key_is_shown_once_and_kept_as_a_hash(till: Terminal, is_test: bool, prefix: str) -> None:
    credential, key_text = issue_till_key(till, is_test=is_test)
    key = credential.keys.get()
    assert key_text.startswith(prefix)
    assert len(key_text) == len(prefix) + 43
    assert bytes(key.key_sha256) == key_sha256(key_text)
    assert key_text.startswith(key.hint)
    assert len(key.hint) == len(prefix) + 4


def test_a_tills_key_acts_for_its_store_alone(till: Terminal) -> None:
    credential, _ = issue_till_key(till)
    assert list(credential.stores.all()) == [till.store]
    assert list(credential.merchants.all()) == [till.store.merchant]


def test_a_rotated_key_overlaps_and_then_ends(till: Terminal) -> None:
    credential, _ = issue_till_key(till)
    rotate_key(credential=credential, overlap_s=HOUR_S, at=NOON)
    old, new = credential.keys.order_by("pk")
    assert old.expires_at == NOON + timedelta(seconds=HOUR_S)
    assert new.expires_at is None
    rotate_key(credential=credential, overlap_s=0, at=NOON)
    assert credential.keys.filter(revoked_at=NOON).count() == 2


def test_a_key_is_revoked_once(till: Terminal) -> None:
    credential, _ = issue_till_key(till)
    first = credential.keys.get()
    rotate_key(credential=credential, overlap_s=0, at=NOON)
    rotate_key(credential=credential, overlap_s=0, at=NOON + timedelta(seconds=1))
    first.refresh_from_db()
    assert first.revoked_at == NOON


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"scopes": ["print_money"]}, "scope_unknown"),
        ({"kind": Credential.Kind.CHANNEL}, "channel_code"),
        ({"kind": Credential.Kind.TERMINAL}, "terminal"),
        ({"merchants": []}, "store_of_other_merchant"),
        ({"expires_at": NOON}, "expires_before_it_begins"),
    ],
)
def test_an_incomplete_credential_is_refused_and_nothing_is_kept(
    tea_house: Store, wrong: dict[str, object], rule: str
) -> None:
    complete = {
        "name": "chain",
        "kind": Credential.Kind.MERCHANT,
        "scopes": ["redeem"],
        "merchants": [tea_house.merchant],
        "stores": [tea_house],
        "at": NOON,
    }
    with pytest.raises(Refused) as refused:
        issue_credential(**(complete | wrong))  # type: ignore[arg-type]
    assert refused.value.refusal.rule == rule
    assert not Credential.objects.exists()
