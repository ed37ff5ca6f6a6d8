"""Merchants, stores and keys through the admin; every act is a service's."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from merchants.auth import authenticate
from merchants.models import Credential, District, Merchant, Store, Terminal
from tests.admin.conftest import signed_in
from tests.support import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    """Ola runs stores and tills for the city."""
    return signed_in(cast.member("ola", "operator"))


def opening(**changed: object) -> dict[str, object]:
    """A store at People's Square as the browser sends it, in Amap's datum."""
    return {
        "merchant": cast.huilian().pk,
        "external_id": "S-9",
        "name": "人民广场店",
        "brand": "汇联",
        "category": "mall",
        "district": cast.district().pk,
        "longitude": "121.478",
        "latitude": "31.228",
        "datum": "GCJ-02",
        **changed,
    }


def confirm(client: Client, act: str, /, *arguments: object, **fields: object) -> str:
    """Confirm a dialog; returns the body it answers with."""
    address = reverse(f"admin:merchants_{act}", args=arguments)
    answer = client.post(address, {"_form_submitted": "on", **fields})
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def test_a_merchant_is_enrolled(operator: Client) -> None:
    address = reverse("admin:merchants_merchant_add")
    operator.post(address, {"name": "小店", "code": "small-shop", "credit_code": ""})
    assert Merchant.objects.get(code="small-shop").created_at is not None


def test_a_merchant_is_closed_and_keeps_its_code(operator: Client) -> None:
    merchant = cast.huilian()
    address = reverse("admin:merchants_merchant_change", args=[merchant.pk])
    form = {"name": "新汇联", "code": "other", "credit_code": "", "state": "closed"}
    assert operator.post(address, form).status_code == 302
    changed = Merchant.objects.get(pk=merchant.pk)
    assert (changed.name, changed.state, changed.code) == ("新汇联", "closed", merchant.code)
    for state in ("gone", "suspended"):
        assert operator.post(address, {**form, "state": state}).status_code == 200


def credential(operator: Client) -> Credential:
    confirm(
        operator,
        "credential_issue",
        name="city app",
        kind="channel",
        scopes=["claim"],
        channel_code="app",
    )
    return Credential.objects.get()


def test_a_credential_is_closed(operator: Client) -> None:
    issued = credential(operator)
    address = reverse("admin:merchants_credential_change", args=[issued.pk])
    empty = {
        f"{inline}-{name}_FORMS": 0
        for inline in ("keys", "own_numbers")
        for name in ("TOTAL", "INITIAL")
    }
    assert operator.post(address, {"state": "closed", **empty}).status_code == 302
    issued.refresh_from_db()
    assert (issued.state, issued.name) == ("closed", "city app")


class TestSuspending:
    """By the buttons of a page, with a reason and an end."""

    @pytest.fixture(params=["merchant", "store", "terminal", "credential"])
    def row(self, request: pytest.FixtureRequest, operator: Client) -> Any:
        if request.param == "credential":
            return credential(operator)
        if request.param == "terminal":
            return Terminal.objects.create(store=cast.nanjing_road(), code="T-1")
        return cast.huilian() if request.param == "merchant" else cast.nanjing_road()

    def press(self, client: Client, button: str, row: Any, **fields: object) -> str:
        return confirm(client, f"{row._meta.model_name}_{button}", row.pk, **fields)

    def test_until_a_local_time_and_lifted_before(self, operator: Client, row: Any) -> None:
        until = timezone.localtime() + timedelta(days=3)
        typed = f"{until:%Y-%m-%dT%H:%M}"
        self.press(operator, "suspend", row, until="at", until_at=typed, why="odd orders")
        row.refresh_from_db()
        assert row.state == "suspended"
        assert f"{timezone.localtime(row.suspended_until_at):%Y-%m-%dT%H:%M}" == typed
        change = reverse(f"admin:merchants_{row._meta.model_name}_change", args=[row.pk])
        listed = reverse(f"admin:merchants_{row._meta.model_name}_changelist")
        assert f"{until:%Y-%m-%d %H:%M}" in operator.get(listed).content.decode()
        button = reverse(f"admin:merchants_{row._meta.model_name}_lift", args=[row.pk])
        assert button in operator.get(change).content.decode()
        self.press(operator, "lift", row, why="explained")
        row.refresh_from_db()
        assert (row.state, row.suspended_until_at) == ("active", None)
        assert button not in operator.get(change).content.decode()
        assert {entry.user.username for entry in LogEntry.objects.order_by("-id")[:2]} == {"ola"}

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"until": "at"}, "请填写截止时间"),
            ({"until": "at", "until_at": "2026-01-01T10:00"}, "该时间已过"),
            ({"until": "day", "until_at": "2027-01-01T10:00"}, "另填了时间"),
            ({"until": "never"}, "有效"),
            ({"until": "day", "why": " "}, "必填"),
        ],
    )
    def test_what_does_not_fit_is_said_beside_its_field(
        self, operator: Client, given: dict[str, str], said: str
    ) -> None:
        store = cast.nanjing_road()
        assert said in self.press(operator, "suspend", store, **{"why": "odd orders", **given})
        assert Store.objects.get().state == "active"

    @pytest.mark.parametrize("until", ["lifted", "today", "day", "week"])
    def test_ends_in_words(self, operator: Client, until: str) -> None:
        store, now = cast.nanjing_road(), timezone.localtime()
        self.press(operator, "suspend", store, until=until, why="odd orders")
        kept = Store.objects.get().suspended_until_at
        if until == "lifted":
            assert kept is None
            return
        assert kept is not None
        if until == "today":
            midnight = timezone.localtime(kept)
            assert (midnight.hour, midnight.minute) == (0, 0)
            assert kept - now <= timedelta(days=1)
        else:
            asked = timedelta(days=1 if until == "day" else 7)
            assert abs(kept - now - asked) < timedelta(minutes=1)


def test_a_store_is_opened_with_its_place_converted_once(operator: Client) -> None:
    answer = operator.post(reverse("admin:merchants_store_add"), opening())
    assert answer.status_code == 302
    place = Store.objects.get(external_id="S-9").locations.get()
    assert (place.raw_longitude, place.datum) == (121.478, "GCJ-02")
    assert abs(place.longitude_deg - 121.4735) < 0.001


def test_swapped_coordinates_are_refused_beside_the_form(operator: Client) -> None:
    swapped = opening(longitude="31.228", latitude="121.478")
    assert operator.post(reverse("admin:merchants_store_add"), swapped).status_code == 200
    assert not Store.objects.filter(external_id="S-9").exists()


def test_a_number_is_free_but_for_the_merchants_own_stores(operator: Client) -> None:
    address = reverse("admin:merchants_store_add")
    assert operator.post(address, opening()).status_code == 302
    page = operator.post(address, opening(external_id="s-9"))
    assert "该商户已有此编号的门店。" in page.content.decode()
    assert operator.post(address, opening(merchant=cast.rival().pk)).status_code == 302
    assert set(Store.objects.values_list("merchant__code", "external_id")) == {
        ("huilian", "S-9"),
        ("rival", "S-9"),
    }


def district(**changed: object) -> dict[str, object]:
    """Changning as the browser sends it."""
    return {"adcode": "310105", "name": "长宁区", "population": "693051", **changed}


def test_a_district_is_added_once(operator: Client) -> None:
    address = reverse("admin:merchants_district_add")
    assert operator.post(address, district()).status_code == 302
    assert District.objects.get(adcode=310105).population == 693_051
    for again in (district(name="别名"), district(adcode="310106")):
        assert operator.post(address, again).status_code == 200
    assert District.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "typed", "text"),
    [
        ("adcode", "31010", "行政区须有六位区划代码"),
        ("adcode", "-310105", "行政区须有六位区划代码"),
        ("population", "-1", "人口"),
        ("name", "", "必填"),
    ],
)
def test_a_district_that_cannot_be_is_an_error_of_its_field(
    operator: Client, field: str, typed: str, text: str
) -> None:
    page = operator.post(reverse("admin:merchants_district_add"), district(**{field: typed}))
    assert page.status_code == 200
    assert text in str(page.context["adminform"].form.errors[field])
    assert not District.objects.exists()


def test_districts_are_added_by_operators_and_changed_by_imports_only(operator: Client) -> None:
    audrey = signed_in(cast.member("audrey", "auditor"))
    address = reverse("admin:merchants_district_add")
    assert audrey.post(address, district()).status_code == 403
    page = reverse("admin:merchants_district_change", args=[cast.district().pk])
    assert operator.post(page, district()).status_code == 403


def test_moving_a_store_adds_a_version(operator: Client) -> None:
    store = cast.nanjing_road()
    confirm(operator, "store_move", store.pk, longitude="121.48", latitude="31.23", datum="WGS-84")
    assert list(store.locations.values_list("version", flat=True)) == [1, 2]


def test_a_terminal_is_added_once(operator: Client) -> None:
    store = cast.nanjing_road()
    for _ in range(2):
        confirm(operator, "store_add_terminal", store.pk, code="T-1")
    assert Terminal.objects.filter(store=store).count() == 1


def test_a_key_is_shown_once_and_opens_the_door(operator: Client) -> None:
    store = cast.nanjing_road()
    Terminal.objects.create(store=store, code="T-1")
    body = confirm(
        operator,
        "credential_issue",
        name="till",
        kind="terminal",
        scopes=["redeem"],
        terminal_no=f"{store.external_id}/T-1",
    )
    key = body.partition("vk_live_main_")[2].partition("<")[0]
    caller = authenticate(f"vk_live_main_{key}", at=timezone.now())
    assert caller is not None
    assert caller.store_ids == frozenset({store.pk})
    credential = Credential.objects.get()
    page = operator.get(reverse("admin:merchants_credential_change", args=[credential.pk]))
    assert key not in page.content.decode()


def test_an_incomplete_credential_is_refused_in_words(operator: Client) -> None:
    body = confirm(operator, "credential_issue", name="x", kind="terminal", scopes=["redeem"])
    assert "vk_" not in body
    assert not Credential.objects.exists()


def test_an_old_key_ends_when_it_is_replaced_without_overlap(operator: Client) -> None:
    body = confirm(
        operator,
        "credential_issue",
        name="city app",
        kind="channel",
        scopes=["claim"],
        channel_code="app",
    )
    old = "vk_live_main_" + body.partition("vk_live_main_")[2].partition("<")[0]
    credential = Credential.objects.get()
    body = confirm(operator, "credential_rotate", credential.pk, overlap_days="0")
    new = "vk_live_main_" + body.partition("vk_live_main_")[2].partition("<")[0]
    assert authenticate(old, at=timezone.now()) is None
    assert authenticate(new, at=timezone.now()) is not None


def test_an_auditor_issues_no_keys() -> None:
    audrey = signed_in(cast.member("audrey", "auditor"))
    address = reverse("admin:merchants_credential_issue")
    assert audrey.post(address, {"_form_submitted": "on"}).status_code == 403
