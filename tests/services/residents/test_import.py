"""Residents: one person once, acts that are dated, and a load that can be run again."""

import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from merchants.geo import Datum, to_wgs84
from merchants.models import District
from merchants.services.blocks import DATUMS
from tests.support.registrations import ALICE_ID, BOB_ID, HOME, LATER, NOON, WORK, contents
from vouchers.models import Consent, Resident, ResidentPoint
from vouchers.models.residents.residents import BUCKETS
from vouchers.services.residents import (
    PointColumns,
    ResidentColumns,
    identity,
    keyed_hash,
    load_residents,
    withdraw_consent,
)
from vouchers.services.residents.acts import Place
from vouchers.states import ResidentState

pytestmark = pytest.mark.django_db


def point(*places: Place | None) -> PointColumns:
    """A column of places; None is no place."""
    nowhere = Place(float("nan"), float("nan"), Datum.WGS_84)
    given_places = [place or nowhere for place in places]
    return PointColumns(
        np.array([place.longitude for place in given_places]),
        np.array([place.latitude for place in given_places]),
        np.array([DATUMS.index(place.datum) for place in given_places], dtype=np.int8),
    )


def alice_and_bob(**changes: Any) -> ResidentColumns:
    """Two residents with everything a file may say of them."""
    rows = ResidentColumns(
        external_id=["alice", "bob"],
        points={"home": point(HOME, WORK), "work": point(WORK, None)},
        birth_year=np.array([1949, 0]),
        district=np.array([310101, 0]),
        street=["外滩街道", ""],
        is_registered=np.array([1, -1]),
        has_residence_permit=np.array([0, -1]),
        need_score=np.array([7, 0]),
        tags=np.array([2**62, 0]),
        consent_targeting=["v1", ""],
        national_id=[ALICE_ID, ""],
        phone=["13800138000", ""],
    )
    return replace(rows, **changes)


@pytest.fixture(autouse=True)
def huangpu() -> District:
    return District.objects.create(adcode=310101, name="黄浦区")


def load(
    rows: ResidentColumns, at: datetime = NOON, **options: Any
) -> tuple[tuple[int, int, int, int], list[tuple[int, str]]]:
    """Counts (new, changed, unchanged, refused) and refusals of one load."""
    faults: list[tuple[int, str]] = []
    summary = load_residents(
        rows=rows, at=at, on_fault=lambda row, code: faults.append((row, code)), **options
    )
    return (summary.new, summary.changed, summary.unchanged, summary.refused), faults


# The load


def test_what_was_loaded_is_on_file() -> None:
    assert load(alice_and_bob()) == ((2, 0, 0, 0), [])
    alice, bob = Resident.objects.order_by("external_id")
    assert (alice.birth_year, alice.district_id, alice.street) == (1949, 310101, "外滩街道")
    assert (alice.is_registered, alice.has_residence_permit) == (True, False)
    assert (alice.need_score, alice.tags, alice.state) == (7, 2**62, "active")
    assert (bob.birth_year, bob.district_id, bob.street, bob.is_registered) == (
        None,
        None,
        "",
        None,
    )
    assert (alice.bucket, bob.bucket) == tuple(identity.id_keys(["alice", "bob"]) % BUCKETS)
    assert bytes(alice.identity_hmac or b"") == keyed_hash("national_id", ALICE_ID)
    assert bytes(alice.phone_hmac or b"") == keyed_hash("phone", "+8613800138000")
    assert (bob.identity_hmac, bob.phone_hmac, alice.data_key) == (None, None, None)


def test_places_are_converted_once_and_kept_as_given() -> None:
    load(alice_and_bob())
    home = ResidentPoint.objects.get(resident__external_id="alice", kind="home")
    longitude, latitude = to_wgs84(121.48, 31.23, Datum.GCJ_02)
    assert (home.longitude_deg, home.latitude_deg) == (float(longitude), float(latitude))
    assert (home.raw_longitude, home.raw_latitude, home.datum) == (121.48, 31.23, "GCJ-02")
    assert (home.observed_at, home.superseded_at) == (NOON, None)
    kinds = ResidentPoint.objects.values_list("resident__external_id", "kind")
    assert sorted(kinds) == [("alice", "home"), ("alice", "work"), ("bob", "home")]


def test_only_a_named_text_is_a_consent() -> None:
    load(alice_and_bob())
    consent = Consent.objects.get()
    assert (consent.resident.external_id, consent.text_version) == ("alice", "v1")
    assert (consent.purpose, consent.granted_at, consent.withdrawn_at) == ("targeting", NOON, None)


@pytest.mark.parametrize("keep_originals", [False, True])
def test_a_second_load_changes_nothing(keep_originals: bool) -> None:
    load(alice_and_bob(), keep_originals=keep_originals)
    before = contents()
    assert load(alice_and_bob(), LATER, keep_originals=keep_originals) == ((0, 0, 2, 0), [])
    assert contents() == before


def test_a_moved_home_supersedes_the_old_one() -> None:
    load(alice_and_bob())
    moved = alice_and_bob(points={"home": point(WORK, WORK)})
    assert load(moved, LATER)[0] == (0, 1, 1, 0)
    old, new = ResidentPoint.objects.filter(resident__external_id="alice", kind="home").order_by(
        "pk"
    )
    assert (old.superseded_at, new.observed_at, new.superseded_at) == (LATER, LATER, None)
    assert new.raw_longitude == WORK.longitude


def test_an_absent_column_and_an_empty_place_leave_what_is_on_file() -> None:
    load(alice_and_bob())
    before = contents()
    only_ids = ResidentColumns(external_id=["alice", "bob"], points={"home": point(None, None)})
    assert load(only_ids, LATER)[0] == (0, 0, 2, 0)
    assert contents() == before


def test_who_has_not_changed_is_not_written_again() -> None:
    """Each written row would be read by itself until the next snapshot is packed."""

    def versions() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT ctid::text FROM vouchers_resident ORDER BY external_id")
            return [version for (version,) in cursor.fetchall()]

    load(alice_and_bob())
    before = versions()
    assert load(alice_and_bob(birth_year=np.array([1949, 1960])), LATER)[0] == (0, 1, 1, 0)
    assert Resident.objects.get(external_id="bob").birth_year == 1960
    assert [new == old for new, old in zip(versions(), before, strict=True)] == [True, False]


def test_a_new_text_replaces_the_consent_and_a_withdrawn_one_is_not_revived() -> None:
    load(alice_and_bob())
    alice = Resident.objects.get(external_id="alice")
    withdraw_consent(resident=alice, at=NOON)
    assert load(alice_and_bob(), LATER)[0] == (0, 0, 2, 0)
    assert not Consent.objects.filter(withdrawn_at__isnull=True).exists()
    assert load(alice_and_bob(consent_targeting=["v2", "v2"]), LATER)[0] == (0, 2, 0, 0)
    assert load(alice_and_bob(consent_targeting=["v3", "v2"]), LATER)[0] == (0, 1, 1, 0)
    live = Consent.objects.filter(withdrawn_at__isnull=True)
    assert sorted(live.values_list("text_version", flat=True)) == ["v2", "v3"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"external_id": ["alice", ""]}, "external_id_malformed"),
        ({"external_id": ["alice", "b" * 65]}, "external_id_malformed"),
        ({"external_id": ["alice", "alice"]}, "duplicate_row"),
        ({"national_id": [ALICE_ID, ALICE_ID]}, "identity_taken"),
        ({"national_id": [ALICE_ID, "110105194912310021"]}, "national_id_invalid"),
        ({"phone": ["", "call me"]}, "phone_invalid"),
        (
            {"points": {"home": point(HOME, Place(31.2, 121.5, Datum.WGS_84))}},
            "coordinates_swapped",
        ),
        ({"points": {"home": point(HOME, Place(0, 0, Datum.WGS_84))}}, "coordinates_zero"),
        (
            {"points": {"home": point(HOME, Place(121.5, float("nan"), Datum.WGS_84))}},
            "coordinates_incomplete",
        ),
        (
            {"points": {"home": point(HOME, Place(121.5, float("inf"), Datum.WGS_84))}},
            "coordinates_not_finite",
        ),
    ],
)
def test_a_bad_row_is_refused_and_the_good_one_goes_in(
    changes: Mapping[str, Any], code: str
) -> None:
    assert load(alice_and_bob(**changes)) == ((1, 0, 0, 1), [(1, code)])
    assert Resident.objects.get().external_id == "alice"


def test_an_identity_on_file_is_neither_given_to_another_nor_exchanged() -> None:
    load(alice_and_bob())
    before = contents()
    carol = ResidentColumns(external_id=["carol"], national_id=[ALICE_ID])
    assert load(carol, LATER) == ((0, 0, 0, 1), [(0, "identity_taken")])
    exchanged = ResidentColumns(external_id=["alice"], national_id=[BOB_ID])
    assert load(exchanged, LATER) == ((0, 0, 0, 1), [(0, "identity_changed")])
    emptied = ResidentColumns(external_id=["alice"], national_id=[""])
    assert load(emptied, LATER) == ((0, 0, 1, 0), [])
    assert contents() == before


def test_who_had_their_data_erased_does_not_come_back() -> None:
    load(alice_and_bob())
    Resident.objects.filter(external_id="alice").update(state=ResidentState.ERASED)
    moved = alice_and_bob(points={"home": point(WORK, WORK)})
    assert load(moved, LATER) == ((0, 0, 1, 1), [(0, "resident_erased")])


def test_an_unknown_district_is_counted_and_left_open() -> None:
    summary = load_residents(rows=alice_and_bob(district=np.array([999999, 310101])), at=NOON)
    assert summary.warnings == {"district_unknown": 1}
    assert Resident.objects.get(external_id="alice").district is None


def test_blocks_of_a_large_load_commit_by_themselves_and_duplicates_cross_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vouchers.services.residents.load.BLOCK_ROWS", 10)
    ids = [f"r{number}" for number in range(34)] + ["r0"]
    done: list[int] = []
    rows = ResidentColumns(external_id=ids, need_score=np.arange(35))
    assert load(rows, on_progress=done.append) == ((34, 0, 0, 1), [(34, "duplicate_row")])
    assert done == [10, 20, 30, 35]
    assert sorted(Resident.objects.values_list("need_score", flat=True)) == list(range(34))


@pytest.mark.django_db(transaction=True)
def test_two_writers_at_a_time_load_as_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vouchers.services.residents.load.BLOCK_ROWS", 50)
    ids = [f"r{number}" for number in range(1000)]
    rows = ResidentColumns(
        external_id=ids, points={"home": point(*[HOME] * 1000)}, consent_targeting=["v1"] * 1000
    )
    assert load(rows)[0] == (1000, 0, 0, 0)
    assert load(rows, LATER)[0] == (0, 0, 1000, 0)
    counts = [model.objects.count() for model in (Resident, ResidentPoint, Consent)]
    assert counts == [1000, 1000, 1000]


def test_an_empty_load_is_an_empty_summary() -> None:
    assert load(ResidentColumns(external_id=[])) == ((0, 0, 0, 0), [])


# What is kept of numbers


def opened(data_key: bytes, cipher: bytes) -> str:
    """A sealed text, opened as its form is described, by the holder of the environment's key."""
    wrapping = hmac.digest(settings.HUIMIN_PII_KEY, b"huimin:wrap:data-key", "sha256")
    key = AESGCM(wrapping).decrypt(data_key[:12], data_key[12:], None)
    return AESGCM(key).decrypt(cipher[:12], cipher[12:], None).rstrip(b"\0").decode()


def test_originals_are_sealed_under_the_residents_own_key() -> None:
    load(alice_and_bob(), keep_originals=True)
    alice, bob = Resident.objects.order_by("external_id")
    key, other_key = bytes(alice.data_key or b""), bytes(bob.data_key or b"")
    assert opened(key, bytes(alice.identity_cipher or b"")) == ALICE_ID
    assert opened(key, bytes(alice.phone_cipher or b"")) == "+8613800138000"
    assert (bob.identity_cipher, bob.phone_cipher) == (None, None)
    with pytest.raises(InvalidTag):
        opened(other_key, bytes(alice.identity_cipher or b""))


def test_a_changed_phone_leaves_no_original_of_the_old_one() -> None:
    load(alice_and_bob(), keep_originals=True)
    new_phone = ResidentColumns(external_id=["alice"], phone=["13900139000"])
    load(new_phone, keep_originals=True)
    alice = Resident.objects.get(external_id="alice")
    key = bytes(alice.data_key or b"")
    assert opened(key, bytes(alice.phone_cipher or b"")) == "+8613900139000"
    assert opened(key, bytes(alice.identity_cipher or b"")) == ALICE_ID
    load(ResidentColumns(external_id=["alice"], phone=["13700137000"]))
    assert Resident.objects.get(external_id="alice").phone_cipher is None


def test_equal_numbers_of_two_kinds_have_nothing_in_common() -> None:
    assert keyed_hash("phone", "1") != keyed_hash("device", "1")
    assert bytes(identity.keyed_hashes("phone", ["1"])[0]) == keyed_hash("phone", "1")


@pytest.mark.parametrize("good", [ALICE_ID, BOB_ID, "11010519491231002x ", "310101 199001010014"])
def test_check_characters_of_national_ids(good: str) -> None:
    text = identity.normalised_national_id(good)
    accepted = [
        character for character in "0123456789X" if identity.is_national_id(text[:17] + character)
    ]
    assert len(accepted) == 1
    if good != "310101 199001010014":
        assert accepted == [text[17]]


@given(st.text(alphabet="0123456789X", min_size=18, max_size=18))
def test_a_single_wrong_digit_is_always_noticed(text: str) -> None:
    wrong = [
        ALICE_ID[:place] + text[place] + ALICE_ID[place + 1 :]
        for place in range(18)
        if text[place] != ALICE_ID[place]
    ]
    assert not any(map(identity.is_national_id, wrong))


@pytest.mark.parametrize(
    "bad", ["", "1" * 18, "110105194913310029", "110105194902300026", "字" * 18]
)
def test_impossible_national_ids(bad: str) -> None:
    assert not identity.is_national_id(bad)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("13800138000", "+8613800138000"),
        ("8613800138000", "+8613800138000"),
        ("86 138 0013 8000", "+8613800138000"),
        ("+86 138-0013-8000", "+8613800138000"),
        ("0086 13800138000", "+8613800138000"),
        ("１３８００１３８０００", "+8613800138000"),
        (" 13800138000 ", "+8613800138000"),
        ("(021) 6321-2345", "+862163212345"),
        ("+852 9123 4567", "+85291234567"),
        ("", ""),
        (" ", ""),
    ],
)
def test_phone_numbers_are_written_in_one_way(written: str, kept: str) -> None:
    assert identity.normalised_phone(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        "1380013800",
        "138001380000",
        "00000",
        "12345",
        "110",
        "4008108888",
        "+44201234",
        "call me",
        "Tel 13800138000",
        "13800138000 ext. 5",
        "13800138000;13900139000",
        "1.38E+10",
    ],
)
def test_an_invalid_phone_number_is_refused(written: str) -> None:
    assert identity.normalised_phone(written) is None
