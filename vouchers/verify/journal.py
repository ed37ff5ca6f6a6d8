"""The journal: every transfer legal, every balance added up again, every seal worked out again."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from vouchers.verify.archive import Archive, Row
from vouchers.verify.arrows import APPROPRIATED, ARROWS, CAUSES, IN_HAND, WHOLE_SOURCE
from vouchers.verify.faults import Fault

Slot = tuple[int, int | None]
"""(source id, allocation id): what an amount is kept apart by."""

JOURNAL: Final = "journal"


@dataclass
class Postings:
    """What the journal adds up to."""

    balances: dict[tuple[str, int, int | None], int] = field(
        default_factory=lambda: defaultdict(int)
    )
    """By (kind, source, allocation)."""
    by_settlement: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    """What the reasons settle and net moved, by settlement."""
    by_collection: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    proposals: dict[int, int] = field(default_factory=dict)
    """The row of the first transfer that a proposal caused."""
    begun: Counter[str] = field(default_factory=Counter)
    """How many redemptions were posted, and the sum of their numbers."""
    transfers: int = 0

    def of_kind(self, *kinds: str) -> dict[Slot, int]:
        """Balances of some accounts together, by slot; zeros are left out."""
        sums: dict[Slot, int] = defaultdict(int)
        for (kind, source, allocation), fen in self.balances.items():
            if kind in kinds:
                sums[source, allocation] += fen
        return {slot: fen for slot, fen in sums.items() if fen}


def check_transfers(archive: Archive, postings: Postings) -> Iterator[Fault]:
    """Each transfer in its place, caused as its reason allows, balanced per source, and moving
    money along its reason's arrows; adds them all up on the way."""
    accounts = {row["id"]: (row["source"], row["kind"]) for row in archive.rows("accounts")}
    before = (-1, -1)
    for row in archive.rows(JOURNAL):
        here = (row["xid"], row["id"])
        if here <= before:
            yield archive.fault("is out of order", "顺序不对")
        before = here
        yield from _judge(archive, row, accounts)
        _add(postings, row, accounts, archive.place.row)


def check_budget(archive: Archive, postings: Postings) -> Iterator[Fault]:
    """Per source, and per source and allocation: what was appropriated is somewhere, and nothing is
    below zero."""
    terms: dict[tuple[int, str], int] = defaultdict(int)
    sums: dict[Slot, int] = defaultdict(int)
    wholes: dict[Slot, int] = defaultdict(int)
    for (kind, source, allocation), fen in postings.balances.items():
        terms[source, kind] += fen
        sums[source, allocation] += fen
        wholes[source, None] += fen
        if fen < 0 and kind not in IN_HAND:
            yield _of_source(source, allocation, f"{kind} is {fen} fen", f"{kind} 为 {fen} 分")
    for (source, kind), fen in terms.items():
        if fen * (-1 if kind == APPROPRIATED else 1) < 0:
            yield _of_source(source, None, f"{kind} is {fen} fen", f"{kind} 为 {fen} 分")
    for (source, allocation), fen in (*wholes.items(), *sums.items()):
        if fen:
            yield _of_source(source, allocation, f"off by {fen} fen", f"相差 {fen} 分")
    yield from _check_figures(archive, terms)


def _check_figures(archive: Archive, terms: dict[tuple[int, str], int]) -> Iterator[Fault]:
    for row in archive.rows("sources"):
        booked = -terms[row["id"], APPROPRIATED]
        if row["appropriated_fen"] != booked:
            yield archive.fault(
                f"says {row['appropriated_fen']} fen, the journal {booked}",
                f"记为 {row['appropriated_fen']} 分，流水为 {booked} 分",
            )


def check_seals(archive: Archive) -> Iterator[Fault]:
    """The chain from its first link: each follows the last, and is the hash of its stretch."""
    bodies = _Stretches(archive)
    number, until, link = 0, 0, bytes(32).hex()
    for row in archive.rows("seals"):
        stands = archive.place
        if (row["number"], row["from_xid"], row["previous_sha256"]) != (number + 1, until, link):
            yield archive.fault("does not follow the seal before it", "与上一封印不衔接")
        if row["cell"] != archive.manifest["cell"]:
            yield archive.fault("is of another cell", "属于另一单元")
        count, sha256 = bodies.seal(archive.manifest["campaign"], row)
        archive.place = stands
        if (count, sha256) != (row["transfer_count"], row["sha256"]):
            yield archive.fault(
                f"journal rows {bodies.first}–{bodies.last} are not what was sealed",
                f"流水第 {bodies.first}–{bodies.last} 行与封印不符",
            )
        number, until, link = row["number"], row["until_xid"], row["sha256"]
    if archive.manifest["chain_head"] != (link if number else None):
        yield Fault("manifest.json", None, "names another head of the chain", "链首不符")


def check_anchors(archive: Archive, name: str, lines: Iterable[str]) -> Iterator[Fault]:
    """The anchors a recipient was sent, day by day, equal the pack's seals.

    Lines that do not begin with a brace are passed over, so that whole messages may be given.
    """
    seals = {row["number"]: row for row in archive.rows("seals")}
    found = 0
    for number, line in enumerate(lines, 1):
        if not line.startswith("{"):
            continue
        anchor = json.loads(line)
        if any(anchor[name] != archive.manifest[name] for name in ("cell", "campaign")):
            continue
        found += 1
        seal = seals.get(anchor["number"])
        if seal is None:
            yield Fault(name, number, "the pack lacks this seal", "数据包缺少该封印")
        elif (seal["sha256"], seal["until_xid"]) != (anchor["sha256"], anchor["until_xid"]):
            yield Fault(
                name,
                number,
                f"seal {anchor['number']} of the pack is another one",
                f"数据包的第 {anchor['number']} 号封印与存证不符",
            )
    if not found:
        yield Fault(name, None, "no anchor of this campaign", "没有该活动的存证")


class _Stretches:
    """The journal's rows, taken stretch by stretch."""

    def __init__(self, archive: Archive) -> None:
        self._rows = archive.bodies(JOURNAL)
        self._body = next(self._rows, None)
        self.first = self.last = 0

    def seal(self, campaign: str, seal: Row) -> tuple[int, str]:
        """How many transfers the next seal covers, and its hash."""
        whole, self.first, count = (
            hashlib.sha256(bytes.fromhex(seal["previous_sha256"])),
            self.last + 1,
            0,
        )
        while self._body is not None and _xid(self._body) < seal["until_xid"]:
            whole.update(self._body + b"\n")
            count += 1
            self._body = next(self._rows, None)
        self.last += count
        stretch = {
            "campaign": campaign,
            "cell": seal["cell"],
            "from_xid": seal["from_xid"],
            "number": seal["number"],
            "transfer_count": count,
            "until_xid": seal["until_xid"],
        }
        whole.update(json.dumps(stretch, separators=(",", ":")).encode() + b"\n")
        return count, whole.hexdigest()


def _xid(body: bytes) -> int:
    """The transaction of a row: sorted, it is the last of its facts."""
    return int(body[body.rindex(b":") + 1 : -1])


def _judge(archive: Archive, row: Row, accounts: dict[int, tuple[int, str]]) -> Iterator[Fault]:
    reason = row["reason"]
    if row["cause"] not in CAUSES.get(reason, ()):
        yield archive.fault("has no cause of its reason's", "事由与原因不符")
        return
    sums: dict[int, int] = defaultdict(int)
    moves: dict[int, tuple[set[str], set[str]]] = {}
    for _, account, allocation, fen in row["legs"]:
        if account not in accounts:
            yield archive.fault("names an account that is not there", "账户不存在")
            return
        source, kind = accounts[account]
        sums[source] += fen
        moves.setdefault(source, (set(), set()))[fen > 0].add(kind)
        if allocation is None and reason not in WHOLE_SOURCE:
            yield archive.fault("counts in no allocation", "未计入任何配额组合")
    if any(sums.values()) or not sums:
        yield archive.fault("its legs do not balance", "借贷不平")
    for origins, targets in moves.values():
        if not _is_legal(reason, origins, targets):
            yield archive.fault("moves money where its reason may not", "资金流向与事由不符")


def _is_legal(reason: str, origins: set[str], targets: set[str]) -> bool:
    """Every account money leaves leads to one it enters, and the other way round."""
    arrows = ARROWS[reason]
    return all(any((origin, to) in arrows for to in targets) for origin in origins) and all(
        any((origin, target) in arrows for origin in origins) for target in targets
    )


def _add(postings: Postings, row: Row, accounts: dict[int, tuple[int, str]], number: int) -> None:
    reason, cause_id, moved = row["reason"], row["cause_id"], 0
    for _, account, allocation, fen in row["legs"]:
        source, kind = accounts.get(account, (0, ""))
        postings.balances[kind, source, allocation] += fen
        moved += max(fen, 0)
    postings.transfers += 1
    if reason in ("settle", "net"):
        postings.by_settlement[reason, cause_id] += moved
    elif reason == "collect":
        postings.by_collection[cause_id] += moved
    elif reason in ("redeem", "authorise"):
        postings.begun["count"] += 1
        postings.begun["ids"] += cause_id
    if row["cause"] == "proposal":
        postings.proposals.setdefault(cause_id, number)


def _of_source(source: int, allocation: int | None, en: str, zh: str) -> Fault:
    of_en = f"source {source}" + (f", allocation {allocation}" if allocation else "")
    of_zh = f"出资方 {source}" + (f"、配额组合 {allocation}" if allocation else "")
    return Fault(f"{JOURNAL}.jsonl", None, f"{of_en}: {en}", f"{of_zh}：{zh}")
