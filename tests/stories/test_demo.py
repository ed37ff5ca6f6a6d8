"""The demo as newcomers start it, at a small size: a whole campaign on real processes and HTTP.

Then once more in the same city, with kill −9 of everything in the middle of the distribution and of
the merchant day.
"""

import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.management import CommandError, call_command
from pytest_django import DjangoDbBlocker

from config.embedded import valkey_url
from config.servers import Postgres, Valkey
from merchants.models import District, StoreLocation, Street
from tests.support import cast
from tests.support.demo_process import demo, looking_into, own_servers, summary_of
from tests.support.web_server import free_port
from vouchers.demo.attacks import KINDS, RETURNING_PEOPLE, RING_PEOPLE
from vouchers.demo.campaign import PHONE_PEOPLE
from vouchers.demo.day import RESIDENTS_PER_ORDER
from vouchers.demo.group import GROUP
from vouchers.models import Campaign, Redemption, Signal, Voucher
from vouchers.queries.live.board import MANY_ALERTS
from vouchers.states import RedemptionState, RiskKind, VoucherState

RESIDENTS = 2_000
RESIDENTS_WHEN_KILLED = 4_000
"""For orders to be in flight at every kill of the day."""

DISTRIBUTION, DAY = "5. ", "6. "
"""How the lines of these steps begin."""

PAUSE_S = 0.3


@pytest.fixture
def local() -> Iterator[Path]:
    """A directory with a path short enough for Unix sockets; its servers are stopped at the end."""
    directory = Path(tempfile.mkdtemp(prefix="hm-"))
    directory.chmod(0o755)
    yield directory
    Postgres(directory).stop()
    Valkey(directory).stop()
    shutil.rmtree(directory)


def postgres(local: Path) -> int:
    return int((local / "pg" / "postmaster.pid").read_text().splitlines()[0])


def valkey(local: Path) -> int:
    with redis.Redis.from_url(valkey_url(local)) as client:
        return int(client.info("server")["process_id"])


def program(name: str) -> Callable[[Path], int]:
    return lambda local: int((local / "run" / f"{name}.pid").read_text())


VICTIMS = {
    "worker": program("worker"),
    "web": program("web"),
    "PostgreSQL": postgres,
    "Valkey": valkey,
}
"""Each with the way to its process id."""


@pytest.mark.timeout(600)
def test_a_day_ends_with_the_books_proven_and_again_when_everything_is_killed_in_its_middle(
    local: Path, django_db_blocker: DjangoDbBlocker
) -> None:
    code, said = demo(own_servers(local), RESIDENTS)
    assert code == 0, said
    assert "books proven" in said
    with django_db_blocker.unblock(), looking_into(local):
        assert_all_went_well("demo", summary_of(local), RESIDENTS)
        assert_all_is_on_the_map()
    assert "资金去向" in (local / "demo" / "report.html").read_text(encoding="utf-8")

    killed: list[str] = []

    def kill_all() -> None:
        for name, pid_of in VICTIMS.items():
            time.sleep(PAUSE_S)
            os.kill(pid_of(local), signal.SIGKILL)
            killed.append(name)

    def on_line(line: str) -> None:
        if line.startswith((DISTRIBUTION, DAY)):
            threading.Thread(target=kill_all).start()

    code, said = demo(own_servers(local), RESIDENTS_WHEN_KILLED, on_line)
    assert killed == [*VICTIMS, *VICTIMS], said
    assert code == 0, said
    summary = summary_of(local)
    with django_db_blocker.unblock(), looking_into(local):
        assert_all_went_well("demo-2", summary, RESIDENTS_WHEN_KILLED)
        codes = Campaign.objects.values_list("code", flat=True)
        assert set(codes) == {"demo", "demo-trial", "demo-2", "demo-2-trial"}
    assert summary["lost"] == []
    assert summary["restarts"]["web"] >= 1
    assert summary["restarts"]["worker"] >= 1


def assert_the_fraud_desk_has_the_ring_and_little_else(campaign: Campaign) -> None:
    signals = Signal.objects.filter(campaign=campaign)
    held = signals.filter(kind=RiskKind.DEVICE_SHARED)
    assert held.count() == RING_PEOPLE - PHONE_PEOPLE
    assert held.values("subject", "subject_id").distinct().count() == 1, "one case"
    assert signals.count() < MANY_ALERTS, "the live screen does not begin in its emergency"
    assert RETURNING_PEOPLE - PHONE_PEOPLE >= MANY_ALERTS, "and comes to it when the ring is back"


def assert_all_is_on_the_map() -> None:
    """The live map and the preview draw districts, streets and stores; none is a stray."""
    assert District.objects.filter(boundary__isnull=False).count() == 16
    assert set(Street.objects.values_list("district_id", flat=True)) == set(
        District.objects.values_list("adcode", flat=True)
    )
    places = StoreLocation.objects.filter(store__merchant__code=GROUP.code)
    assert {place.outside_district for place in places} == {False}


def assert_all_went_well(code: str, summary: dict[str, Any], residents: int) -> None:
    orders = residents // RESIDENTS_PER_ORDER
    assert summary["campaign"] == code
    assert summary["books_proven"]
    assert summary["attacks_refused"]
    assert summary["nothing_lost"]
    assert summary["audience"]["examined"] == residents
    assert summary["good_orders"] == {"sent": orders, "accepted": orders}
    assert summary["attacks"].keys() == KINDS.keys()
    for attack in summary["attacks"].values():
        assert attack["refused"] == attack["tried"] > 0

    campaign = Campaign.objects.get(code=code)
    captured = Redemption.objects.filter(campaign=campaign, state=RedemptionState.CAPTURED)
    assert captured.count() == summary["redeemed"]["vouchers"] >= orders
    used = Voucher.objects.filter(state=VoucherState.REDEEMED)
    assert set(captured.values_list("voucher_id", flat=True)) <= set(
        used.values_list("id", flat=True)
    )
    assert sum(one["appropriated"] for one in summary["budget"]) == 500_000_000
    assert all(one["off"] == 0 for one in summary["budget"])
    paid_fen = sum(one["settled"] + one["risk_held"] for one in summary["budget"])
    assert paid_fen == summary["redeemed"]["fen"]
    assert_the_fraud_desk_has_the_ring_and_little_else(campaign)
    assert {one["state"] for one in summary["settlements"]} == {"paid"}


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_a_database_with_campaigns_of_its_own_is_left_alone(settings: Any, tmp_path: Path) -> None:
    settings.HUIMIN_LOCAL_DIR = tmp_path
    cast.running_campaign(code="spring-2026")
    with pytest.raises(CommandError, match="not the demo's"):
        call_command("demo", residents=RESIDENTS, port=free_port(), exit=True)
    assert Campaign.objects.count() == 1
