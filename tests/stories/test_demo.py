"""The demo as newcomers start it, at a small size: a whole campaign on real processes and HTTP."""

from pathlib import Path
from typing import Any

import pytest

from merchants.models import District, StoreLocation, Street
from tests.support import cast
from tests.support.demo_process import demo, summary_of
from vouchers.demo.attacks import KINDS
from vouchers.demo.group import GROUP
from vouchers.models import Campaign, Redemption, Signal, Voucher
from vouchers.states import RedemptionState, VoucherState

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

RESIDENTS = 2_000
ORDERS = RESIDENTS // 8


@pytest.fixture
def environment(process_environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    return {**process_environment, "HUIMIN_LOCAL_DIR": str(tmp_path)}


def test_a_city_a_campaign_and_a_day_end_with_the_books_proven_and_again(
    environment: dict[str, str], tmp_path: Path
) -> None:
    code, said = demo(environment, RESIDENTS)
    assert code == 0, said
    assert "books proven" in said
    assert_all_went_well("demo", summary_of(tmp_path))
    assert_all_is_on_the_map()
    assert Signal.objects.filter(campaign__code="demo").exists(), "the fraud desk has something"
    assert "资金去向" in (tmp_path / "demo" / "report.html").read_text(encoding="utf-8")

    code, said = demo(environment, RESIDENTS)
    assert code == 0, said
    assert_all_went_well("demo-2", summary_of(tmp_path))
    codes = Campaign.objects.values_list("code", flat=True)
    assert set(codes) == {"demo", "demo-trial", "demo-2", "demo-2-trial"}


def assert_all_is_on_the_map() -> None:
    """The live map and the preview draw districts, streets and stores; none is a stray."""
    assert District.objects.filter(boundary__isnull=False).count() == 16
    assert set(Street.objects.values_list("district_id", flat=True)) == set(
        District.objects.values_list("adcode", flat=True)
    )
    places = StoreLocation.objects.filter(store__merchant__code=GROUP.code)
    assert {place.outside_district for place in places} == {False}


def assert_all_went_well(code: str, summary: dict[str, Any]) -> None:
    assert summary["campaign"] == code
    assert summary["books_proven"]
    assert summary["attacks_refused"]
    assert summary["nothing_lost"]
    assert summary["audience"]["examined"] == RESIDENTS
    assert summary["good_orders"] == {"sent": ORDERS, "accepted": ORDERS}
    assert summary["attacks"].keys() == KINDS.keys()
    for attack in summary["attacks"].values():
        assert attack["refused"] == attack["tried"] > 0

    campaign = Campaign.objects.get(code=code)
    captured = Redemption.objects.filter(campaign=campaign, state=RedemptionState.CAPTURED)
    assert captured.count() == summary["redeemed"]["vouchers"] >= ORDERS
    used = Voucher.objects.filter(state=VoucherState.REDEEMED)
    assert set(captured.values_list("voucher_id", flat=True)) <= set(
        used.values_list("id", flat=True)
    )
    assert sum(one["appropriated"] for one in summary["budget"]) == 500_000_000
    assert all(one["off"] == 0 for one in summary["budget"])
    assert sum(one["settled"] for one in summary["budget"]) == summary["redeemed"]["fen"]
    assert {one["state"] for one in summary["settlements"]} == {"paid"}


def test_a_database_with_campaigns_of_its_own_is_left_alone(environment: dict[str, str]) -> None:
    cast.running_campaign(code="spring-2026")
    code, said = demo(environment, RESIDENTS)
    assert code == 1
    assert "not the demo's" in said
    assert Campaign.objects.count() == 1
