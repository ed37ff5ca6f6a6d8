"""An open loop over HTTP/1.1: PORT CONNECTIONS RATE_PER_S SECONDS FILE PATH.

Requests arrive at random moments, as from tills that know nothing of each other, and at the given
rate however slowly the server answers. A latency counts from the moment a request was due, so also
the wait for a connection that is free. Prints its figures as `wrk.lua` does.
"""

import asyncio
import contextlib
import json
import random
import sys
import time
from collections import deque
from typing import Final

from tests.benchmarks.closed_loop import read_requests

SEED: Final = 20260401
PATIENCE_S: Final = 20


class Arrivals:
    """The requests that are due, and the connections that are free."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[float, bytes]] = deque()
        self.free: deque[Connection] = deque()
        self.latencies_s: list[float] = []
        self.refused = self.sent = 0
        self.is_over = False
        self.all_answered = asyncio.Event()

    def arrive(self, due_s: float, request: bytes) -> None:
        """Send the request, or queue it until a connection is free."""
        self.sent += 1
        if self.free:
            self.free.popleft().send(due_s, request)
        else:
            self.waiting.append((due_s, request))

    def answered(self, connection: "Connection", due_s: float, *, is_refused: bool) -> None:
        """Note the latency; the connection is free for the next."""
        self.latencies_s.append(time.perf_counter() - due_s)
        self.refused += is_refused
        if self.waiting:
            connection.send(*self.waiting.popleft())
        else:
            self.free.append(connection)
        self.check()

    def check(self) -> None:
        """Notice that everything has been answered."""
        if self.is_over and len(self.latencies_s) == self.sent:
            self.all_answered.set()


class Connection(asyncio.Protocol):
    """Sends one request at a time."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._buffer = b""
        self._due_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._arrivals.free.append(self)

    def send(self, due_s: float, request: bytes) -> None:
        self._due_s = due_s
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        if len(body) >= size:
            self._buffer = b""
            is_refused = not head.startswith(b"HTTP/1.1 2")
            self._arrivals.answered(self, self._due_s, is_refused=is_refused)


async def main(
    port: int, connections: int, rate_per_s: float, seconds: float, file: str, path: str
) -> None:
    """Run the loop and print its figures."""
    requests = read_requests(file, path)
    arrivals, loop, rng = Arrivals(), asyncio.get_running_loop(), random.Random(SEED)
    for _ in range(connections):
        await loop.create_connection(lambda: Connection(arrivals), "127.0.0.1", port)
    started_s = due_s = time.perf_counter()
    for request in requests:
        due_s += rng.expovariate(rate_per_s)
        if due_s - started_s > seconds:
            break
        wait_s = due_s - time.perf_counter()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        arrivals.arrive(due_s, request)
    arrivals.is_over = True
    arrivals.check()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(arrivals.all_answered.wait(), PATIENCE_S)
    ordered_us = [latency_s * 1e6 for latency_s in sorted(arrivals.latencies_s)]
    figures = {
        "answered": len(ordered_us),
        "duration_us": (time.perf_counter() - started_s) * 1e6,
        "refused": arrivals.refused,
        "broken": arrivals.sent - len(ordered_us),
        "sent": arrivals.sent,
        "capacity": len(requests),
        "p50_us": ordered_us[len(ordered_us) // 2],
        "p99_us": ordered_us[len(ordered_us) * 99 // 100],
    }
    print(json.dumps({name: int(figure) for name, figure in figures.items()}))


if __name__ == "__main__":
    port, connections = (int(argument) for argument in sys.argv[1:3])
    rate_per_s, seconds = (float(argument) for argument in sys.argv[3:5])
    asyncio.run(main(port, connections, rate_per_s, seconds, *sys.argv[5:7]))
