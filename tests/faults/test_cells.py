"""Two cities are two cells: neither reads or writes the other's rows, also when one fails.

Each has a PostgreSQL, secrets and a web server of its own; the program is the same.
"""

import contextlib
import os
import secrets
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from django.db import connection, connections
from django.test import override_settings
from django.utils import timezone

from config.env import code_key
from config.servers import Postgres
from tests.support import cast, database
from tests.support.concurrency.invariants import assert_proven
from tests.support.http_till import Call, HttpTill, http_till, open_campaign, till_key
from tests.support.own_servers import use
from tests.support.till import nothing_moves
from tests.support.web_server import serving
from vouchers.management.programs import NO_AUTHORITIES
from vouchers.models import Redemption

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

VOUCHERS = 12


@dataclass(frozen=True)
class Cell:
    """A city: where its database is, and what a till of its holds."""

    name: str
    hosts: Mapping[str, str]
    till: HttpTill
    environment: Mapping[str, str]

    def look(self) -> None:
        """Let this process see the cell's own database."""
        use(dict(self.hosts))

    def call(self, number: int) -> Call:
        return self.till.call(self.till.order(number), key=f"{number}")


def found(name: str, environment: Mapping[str, str]) -> Cell:
    """A cell with a campaign, a till and vouchers, in the database in use."""
    secret = secrets.token_bytes(32)
    with override_settings(HUIMIN_CELL=name, HUIMIN_CODE_KEY=code_key(secret, cell=name)):
        key = till_key(cast.nanjing_road())
        campaign = open_campaign(timezone.now())
        till = http_till(campaign, name, key, size=VOUCHERS, holder=cast.alice())
    assert key.startswith(f"vk_live_{name}_")
    hosts = {alias: connections.settings[alias]["HOST"] for alias in database.ALIASES}
    own = {"HUIMIN_CELL": name, "HUIMIN_CODE_KEY": secret.hex()}
    return Cell(name, hosts, till, {**environment, **own})


def send(url: str, call: Call) -> httpx.Response:
    headers = {name: value.decode() for name, value in call.headers.items()}
    return httpx.post(
        f"{url}{call.path}",
        content=call.body,
        headers=headers,
        timeout=30,
        verify=NO_AUTHORITIES,
    )


def kill_all_of(server: Postgres) -> None:
    """kill −9 of a PostgreSQL and its sessions, which would answer until they miss it."""
    postmaster = int((server.data / "postmaster.pid").read_text().split()[0])
    sessions = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    for process in (postmaster, *map(int, sessions)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def test_two_cells_share_nothing(
    process_environment: dict[str, str], request: pytest.FixtureRequest
) -> None:
    hosts = {alias: connections.settings[alias]["HOST"] for alias in database.ALIASES}
    server: Postgres = request.getfixturevalue("private_server")
    south = found("south", request.getfixturevalue("private_postgres"))
    use(hosts)
    north = found("north", process_environment)
    with serving(north.environment) as at_north, serving(south.environment) as at_south:
        answered: dict[str, list[int]] = {"north": [], "south": []}
        for cell, there in ((north, at_north), (south, at_south)):
            for number in range(4):
                answer = send(there.url, cell.call(number))
                assert answer.status_code == 201, answer.text
                answered[cell.name].append(answer.json()["id"])

        for cell, other, there in ((north, south, at_south), (south, north, at_north)):
            other.look()
            with nothing_moves():
                foreign_key = send(there.url, cell.call(5))
                assert foreign_key.json()["code"] == "unauthenticated"
            body = other.till.order(5, voucher=cell.till.codes[5])
            foreign_code = send(there.url, other.till.call(body, key="foreign"))
            assert foreign_code.json()["code"] == "voucher_not_usable"
            assert set(Redemption.objects.values_list("id", flat=True)) == set(answered[other.name])

        kill_all_of(server)
        assert send(at_south.url, south.call(6)).status_code >= 500
        for number in range(6, VOUCHERS):
            answer = send(at_north.url, north.call(number))
            assert answer.status_code == 201
            answered["north"].append(answer.json()["id"])
        server.start()
        connection.close()
    for cell in (north, south):
        cell.look()
        assert set(Redemption.objects.values_list("id", flat=True)) == set(answered[cell.name])
        assert_proven()
    south.look()
