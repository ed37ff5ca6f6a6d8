"""Limit counters: none beyond its limit, and each the sum of its own redemptions.

Ten million redemptions have more counters than fit in memory as rows, so they are compared by
sums: every subject and window has a weight of its own, a hash that nobody chooses, and the weighted
sums over counters and over redemptions agree only where every single counter does.
"""

from array import array
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import blake2b
from typing import Final

from vouchers.verify.archive import Archive, Row
from vouchers.verify.faults import Fault

KINDS: Final[Mapping[int, tuple[str, str]]] = {
    1: ("resident", "day"),
    2: ("resident", "week"),
    3: ("resident", "campaign"),
    4: ("store", "minute"),
    5: ("store", "day"),
    6: ("merchant", "day"),
    7: ("merchant", "campaign"),
    10: ("store", "week"),
    11: ("store", "campaign"),
    12: ("merchant", "week"),
}
"""What a kind of limit counts, and in which window. The kinds that are not here count links, which
redemptions and claims in the pack don't name."""

EPOCH: Final = date(1970, 1, 1)
SHELVES: Final = 1 << 10
"""Weights are sorted shelf by shelf, to look for two counters of one subject and window."""


@dataclass
class Counted:
    """What stands by redemptions or by counters: weighted sums of places and of fen, by kind."""

    counts: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    fens: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, kind: int, weight: int, count: int, fen: int) -> None:
        """Of one subject in one window."""
        self.counts[kind] += weight * count
        self.fens[kind] += weight * fen

    def add_redemption(self, row: Row, fen: int, kinds: Collection[int]) -> None:
        """A redemption that stands, with what is left of its subsidy."""
        for kind in kinds:
            subject, window = KINDS[kind]
            self.add(kind, _weight(kind, row[subject], _window_no(window, row)), 1, fen)


def kinds_of(archive: Archive) -> frozenset[int]:
    """The kinds of limits of the campaign that count every redemption once."""
    return frozenset(row["kind"] for row in archive.rows("limit_rules")) & KINDS.keys()


def check_counters(archive: Archive, redeemed: Counted) -> Iterator[Fault]:
    """Every counter, against the limits in force and against the redemptions that stand."""
    limits = {row["kind"]: row for row in archive.rows("limit_rules")}
    counted, seen = Counted(), [array("Q") for _ in range(SHELVES)]
    for row in archive.rows("counters"):
        kind = row["kind"]
        yield from _judge(archive, row, limits.get(kind))
        if kind not in KINDS:
            continue
        subject = row["resident"] if KINDS[kind][0] == "resident" else row["place"]
        weight = _weight(kind, subject, row["window_no"])
        counted.add(kind, weight, row["used_count"], row["used_fen"])
        seen[weight % SHELVES].append(weight >> 64)
    if any(len(set(shelf)) < len(shelf) for shelf in seen):
        yield Fault("counters.jsonl", None, "two of one subject and window", "同一对象同一时段重复")
    for kind in sorted(limits.keys() & KINDS.keys()):
        sums = (counted.counts[kind], counted.fens[kind])
        if sums != (redeemed.counts[kind], redeemed.fens[kind]):
            yield Fault(
                "counters.jsonl",
                None,
                f"those of kind {kind} are not the redemptions that stand",
                f"种类 {kind} 的计数与有效核销不符",
            )


def _judge(archive: Archive, row: Row, rule: Row | None) -> Iterator[Fault]:
    """Its own limit, as its last redemption met it, is none that was widened meanwhile."""
    for used, limit in (("used_count", "limit_count"), ("used_fen", "limit_fen")):
        most = None if rule is None else rule[limit]
        own = row[limit]
        if row[used] < 0 or (own is not None and row[used] > own):
            yield archive.fault(f"{used} {row[used]}", f"计数 {row[used]} 越限")
        if most is not None and (own is None or own > most):
            yield archive.fault(f"{limit} {own}, not {most}", f"限额 {own}，应为 {most}")


def _window_no(window: str, row: Row) -> int:
    if window == "campaign":
        return 0
    if window == "minute":
        return int(datetime.fromisoformat(row["redeemed_at"]).timestamp()) // 60
    days = (date.fromisoformat(row["business_day"]) - EPOCH).days
    # The week's Monday; 1970-01-01 was a Thursday.
    return days - (days + 3) % 7 if window == "week" else days


def _weight(kind: int, subject: object, window_no: int) -> int:
    return int.from_bytes(
        blake2b(f"{kind}/{subject}/{window_no}".encode(), digest_size=16).digest()
    )
