"""Keyed commitments to the points that decided, so that they can be checked after coarsening."""

import hashlib
from collections.abc import Iterable
from typing import Final

_BLOCK_BYTES: Final = 64


def commitments(
    key: bytes, run_id: int, kind: str, points: Iterable[tuple[int, float, float]]
) -> list[bytes]:
    """HMAC-SHA256 of "run id|resident id|kind|longitude|latitude" for (resident id, longitude,
    latitude) each; coordinates in WGS-84 degrees, written with the fewest digits that read back the
    same (`repr`).

    RFC 2104 with both keyed states made once: `hmac.digest` sets them up anew for every message and
    takes twice the time.
    """
    padded = (key if len(key) <= _BLOCK_BYTES else hashlib.sha256(key).digest()).ljust(
        _BLOCK_BYTES, b"\0"
    )
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))
    found = []
    for resident_id, lon, lat in points:
        once, twice = inner.copy(), outer.copy()
        once.update(f"{run_id}|{resident_id}|{kind}|{lon!r}|{lat!r}".encode())
        twice.update(once.digest())
        found.append(twice.digest())
    return found
