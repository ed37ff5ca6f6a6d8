"""A closed loop over HTTP/1.1 for machines without wrk: PORT CONNECTIONS SECONDS FILE PATH.

Reads the file, whose second column stands for {id} in the path, and prints the figures as `wrk.lua`
does. One process, plain protocols of asyncio.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

HEAD = (
    "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    "Authorization: Bearer {key}\r\nIdempotency-Key: {id}\r\nContent-Length: {size}\r\n\r\n{body}"
)


class Tally:
    """What all connections have seen together."""

    def __init__(self, requests: list[bytes], ends_at_s: float) -> None:
        self.requests: Iterator[bytes] = iter(requests)
        self.ends_at_s = ends_at_s
        self.sent = self.refused = 0
        self.latencies_s: list[float] = []

    def next(self) -> bytes | None:
        """The next request, or None when the time or the file is over."""
        request = next(self.requests, None) if time.perf_counter() < self.ends_at_s else None
        self.sent += request is not None
        return request


class Connection(asyncio.Protocol):
    """Sends a request, waits for its whole answer, sends the next."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._buffer = b""
        self._sent_at_s = 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        if len(body) < size:
            return
        self._tally.latencies_s.append(time.perf_counter() - self._sent_at_s)
        self._tally.refused += not head.startswith(b"HTTP/1.1 2")
        self._buffer = b""
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _send(self) -> None:
        request = self._tally.next()
        if request is None:
            self._transport.close()
            return
        self._sent_at_s = time.perf_counter()
        self._transport.write(request)


def read_requests(file: str, path: str) -> list[bytes]:
    """Requests of a file of tab-separated key, idempotency key and body."""
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    parts = [line.split("\t", 2) for line in lines]
    return [
        HEAD.format(
            path=path.replace("{id}", id_), key=key, id=id_, size=len(body.encode()), body=body
        ).encode()
        for key, id_, body in parts
    ]


async def main(port: int, connections: int, seconds: float, file: str, path: str) -> None:
    """Run the loop and print its figures."""
    requests = read_requests(file, path)
    started_s = time.perf_counter()
    tally = Tally(requests, started_s + seconds)
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Connection(tally), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in made))
    ordered_us = [latency_s * 1e6 for latency_s in sorted(tally.latencies_s)]
    figures = {
        "answered": len(ordered_us),
        "duration_us": (time.perf_counter() - started_s) * 1e6,
        "refused": tally.refused,
        "broken": tally.sent - len(ordered_us),
        "sent": tally.sent,
        "capacity": len(requests),
        "p50_us": ordered_us[len(ordered_us) // 2],
        "p99_us": ordered_us[len(ordered_us) * 99 // 100],
    }
    print(json.dumps({name: int(figure) for name, figure in figures.items()}))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), *sys.argv[4:6]))
