"""Closed-loop load over HTTP: every request once, a given number of connections, for some seconds.

wrk does it with the least CPU of its own (Debian: apt install wrk). Where it is missing a small
generator of our own stands in (`closed_loop.py`), which takes CPU from the server it measures: then
the figures over HTTP come out too low.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.benchmarks.city import ORDER_FEN, City, Orders

HERE = Path(__file__).parent
GENERATOR = "wrk" if shutil.which("wrk") else "closed_loop.py"
TIMEOUT_S = 20
REDEMPTIONS = "/api/v1/redemptions"
OPEN_MARGIN = 1.2
"""Requests that arrive at random may be more than rate × seconds."""

SHOWN_AT = {"longitude": 121.45, "latitude": 31.2, "datum": "WGS-84"}
"""Where orders are shown that say so: within ten kilometres of every store."""


class Outcome(msgspec.Struct, frozen=True):
    """What one run measured."""

    answered: int
    duration_us: int
    refused: int
    broken: int
    sent: int
    capacity: int
    p50_us: int
    p99_us: int

    @property
    def per_s(self) -> float:
        """Answers a second."""
        return self.answered / self.duration_us * 1e6


class Supply:
    """Orders that have not been sent yet; every run takes the next ones."""

    def __init__(self, city: City, orders: Orders, *, is_located: bool = False) -> None:
        self._city, self._orders, self._is_located = city, orders, is_located
        self._next = 0

    @property
    def left(self) -> int:
        """How many are left."""
        return len(self._orders) - self._next

    def take(self, count: int) -> range:
        """Numbers of the next orders."""
        if not 0 < count <= self.left:
            raise RuntimeError(f"{count} orders wanted, {self.left} left: make a larger city")
        taken = range(self._next, self._next + count)
        self._next = taken.stop
        return taken

    def give_back(self, count: int) -> None:
        """The last `count` orders taken were not sent."""
        self._next -= count

    def lines(self, numbers: range) -> str:
        """Requests as `wrk.lua` reads them."""
        codes = self._orders.codes(numbers.start, numbers.stop)
        return "\n".join(
            self._line(number, code) for number, code in zip(numbers, codes, strict=True)
        )

    def _line(self, number: int, code: str) -> str:
        till = self._city.tills[self._orders.till[number]]
        body: dict[str, object] = {
            "voucher": code,
            "store": till.store.external_id,
            "order_no": f"O{number}",
            "order_amount_fen": ORDER_FEN,
            "resident": str(self._orders.resident_no[number]),
        }
        if self._is_located:
            body |= {"device": f"D{body['resident']}", **SHOWN_AT}
        return f"{till.key_text}\tkey-{number}\t{msgspec.json.encode(body).decode()}"


def run(supply: Supply, *, port: int, connections: int, seconds: int, capacity: int) -> Outcome:
    """Send what the supply has for `seconds`; every answer must be a redemption."""
    numbers = supply.take(min(capacity, supply.left))
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        file.write(supply.lines(numbers))
        file.flush()
        outcome = send(file.name, port=port, connections=connections, seconds=seconds)
    if outcome.refused or outcome.broken or outcome.sent > outcome.capacity:
        raise RuntimeError(f"a run that went wrong measures nothing: {outcome}")
    supply.give_back(len(numbers) - outcome.sent)
    return outcome


def run_open(
    supply: Supply, *, port: int, connections: int, rate_per_s: float, seconds: int
) -> Outcome:
    """Send at a rate, whatever becomes of it; every answer must be a redemption."""
    numbers = supply.take(min(int(rate_per_s * seconds * OPEN_MARGIN), supply.left))
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        file.write(supply.lines(numbers))
        file.flush()
        figures = (port, connections, rate_per_s, seconds)
        outcome = _outcome(
            *(sys.executable, "-m", "tests.benchmarks.open_loop", *map(str, figures)),
            *(file.name, REDEMPTIONS),
        )
    if outcome.refused or outcome.broken:
        raise RuntimeError(f"a run that went wrong measures nothing: {outcome}")
    supply.give_back(len(numbers) - outcome.sent)
    return outcome


def send(
    file: str, *, port: int, connections: int, seconds: int, path: str = REDEMPTIONS
) -> Outcome:
    """Send the requests of a file to a path."""
    url = f"http://127.0.0.1:{port}"
    commands: dict[str, Sequence[str]] = {
        "wrk": (
            *("wrk", "--threads", "1", "--connections", str(connections)),
            *("--duration", f"{seconds}s", "--timeout", f"{TIMEOUT_S}s"),
            *("--script", str(HERE / "wrk.lua"), url, "--", file, path),
        ),
        "closed_loop.py": (
            *(sys.executable, str(HERE / "closed_loop.py")),
            *(str(port), str(connections), str(seconds), file, path),
        ),
    }
    return _outcome(*commands[GENERATOR])


def _outcome(*command: str) -> Outcome:
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"{command} failed: {result.stdout}{result.stderr}")
    return msgspec.json.decode(result.stdout.strip().rpartition("\n")[2], type=Outcome)
