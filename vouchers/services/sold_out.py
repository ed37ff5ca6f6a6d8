"""Which offers PostgreSQL has committed to be sold out, remembered in Valkey for a second.

A memory that sheds load and decides nothing: what it says "sold out" of was short when a
transaction that had locked every sub-bucket of the short cell committed. A cell into which
something is returned takes a new mark, and what was remembered under the old one counts no more;
so a unit that comes back can be claimed at once. When Valkey is lost, empty or out of reach nothing
is remembered, and every claim is judged by PostgreSQL.
"""

import secrets
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

import redis
from django.conf import settings

from vouchers.services.valkey import Valkey

REMEMBERED_MS: Final = 1_000
"""For how long "sold out" is said without asking PostgreSQL again; a lost `lift` costs this."""

MARK_S: Final = 24 * 3600
ANSWER_S: Final = 0.1
PAUSE_S: Final = 1.0
"""How long Valkey is left alone after it failed to answer within `ANSWER_S`."""


class Shortage(NamedTuple):
    """A cell that cannot take one more voucher of a tier."""

    cell_id: int
    tier_id: int


class Remembered(NamedTuple):
    """Shortages that still stand, and the marks of the cells as they were read with them."""

    shortages: frozenset[Shortage]
    marks: Mapping[int, bytes]


NOTHING: Final = Remembered(frozenset(), {})
VALKEY: Final = Valkey(answer_s=ANSWER_S, pause_s=PAUSE_S, without="claims are judged without it")


def recall(wanted: Collection[Shortage]) -> Remembered:
    """Which of these shortages stand. Called before the transaction that may find others:
    `remember` takes the marks that were read here."""
    cell_ids = sorted({each.cell_id for each in wanted})
    asked = sorted(wanted)
    if not asked:
        return NOTHING

    def read(client: "redis.Redis") -> Remembered:
        keys = [_mark(cell_id) for cell_id in cell_ids] + [_shortage(each) for each in asked]
        found = client.mget(keys)
        marks = {
            cell_id: bytes(mark)
            for cell_id, mark in zip(cell_ids, found, strict=False)
            if isinstance(mark, bytes)
        }
        _make_marks(client, [cell_id for cell_id in cell_ids if cell_id not in marks])
        standing = [
            each
            for each, mark in zip(asked, found[len(cell_ids) :], strict=True)
            if mark is not None and mark == marks.get(each.cell_id)
        ]
        return Remembered(frozenset(standing), marks)

    return VALKEY.ask(read, otherwise=NOTHING)


def remember(shortages: Iterable[Shortage], marks: Mapping[int, bytes]) -> None:
    """Remember shortages that a transaction has committed, under the marks read before it began."""
    known = [each for each in shortages if each.cell_id in marks]
    if not known:
        return

    def write(client: "redis.Redis") -> None:
        with client.pipeline(transaction=False) as pipe:
            for each in known:
                pipe.set(_shortage(each), marks[each.cell_id], px=REMEMBERED_MS)
            pipe.execute()

    VALKEY.ask(write, otherwise=None)


def lift(cell_ids: Iterable[int]) -> None:
    """Forget shortages of cells into which something was returned; called once it is committed."""

    def write(client: "redis.Redis") -> None:
        with client.pipeline(transaction=False) as pipe:
            for cell_id in cell_ids:
                pipe.set(_mark(cell_id), _fresh_mark(), ex=MARK_S)
            pipe.execute()

    VALKEY.ask(write, otherwise=None)


def _make_marks(client: "redis.Redis", cell_ids: Collection[int]) -> None:
    """Give cells without a mark one, to be read by the next batch."""
    if not cell_ids:
        return
    with client.pipeline(transaction=False) as pipe:
        for cell_id in cell_ids:
            pipe.set(_mark(cell_id), _fresh_mark(), nx=True, ex=MARK_S)
        pipe.execute()


def _fresh_mark() -> bytes:
    """A mark that never repeats, also after Valkey has lost all marks."""
    return secrets.token_bytes(8)


def _mark(cell_id: int) -> str:
    return f"huimin:{settings.HUIMIN_CELL}:mark:{cell_id}"


def _shortage(each: Shortage) -> str:
    return f"huimin:{settings.HUIMIN_CELL}:short:{each.cell_id}:{each.tier_id}"
