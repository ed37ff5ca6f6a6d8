"""The audit chain over a campaign's journal: what of a transfer is sealed, and how links follow.

A transfer is sealed as one line: canonical JSON (sorted keys, no spaces) of its facts and its legs.
A link is SHA-256 over the previous link, the lines of the next stretch of the journal in (xid, id)
order, each ended by a line feed, and a last line that names the stretch. `vouchers.verify` does the
same again from an exported pack, and the audit a third time in SQL.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

NO_SEAL: Final = bytes(32)
"""What the first link follows."""


class JournalLeg(NamedTuple):
    """A leg as it is sealed."""

    line_no: int
    account_id: int
    allocation_id: int | None
    amount_fen: int


class JournalEntry(NamedTuple):
    """A transfer as it is sealed, with its legs by line number."""

    xid: int
    id: int
    at: datetime
    reason: str
    cause: str
    cause_id: int
    legs: Sequence[JournalLeg]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which transfers a link covers: those of transactions from ≤ xid < until."""

    campaign: str
    cell: str
    number: int
    from_xid: int
    until_xid: int
    transfer_count: int


def journal_line(entry: JournalEntry) -> bytes:
    """The canonical JSON of a transfer, without the line feed; instants in UTC, to the microsecond.

    Reasons and causes are words of ours, so nothing needs escaping.
    """
    at = entry.at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    legs = ",".join(
        f"[{line_no},{account_id},{'null' if allocation_id is None else allocation_id},{amount}]"
        for line_no, account_id, allocation_id, amount in entry.legs
    )
    return (
        f'{{"at":"{at}Z","cause":"{entry.cause}","cause_id":{entry.cause_id},"id":{entry.id},'
        f'"legs":[{legs}],"reason":"{entry.reason}","xid":{entry.xid}}}'
    ).encode()


def stretch_line(stretch: Stretch) -> bytes:
    """The last line of a link: canonical JSON. Codes of campaigns and names of cells are slugs."""
    return (
        f'{{"campaign":"{stretch.campaign}","cell":"{stretch.cell}","from_xid":{stretch.from_xid},'
        f'"number":{stretch.number},"transfer_count":{stretch.transfer_count},'
        f'"until_xid":{stretch.until_xid}}}'
    ).encode()


class Link:
    """A link of the chain in the making."""

    def __init__(self, previous_sha256: bytes) -> None:
        self._hash = hashlib.sha256(previous_sha256)
        self.transfer_count = 0

    def add(self, lines: Iterable[bytes]) -> None:
        """The next transfers, in (xid, id) order."""
        block = list(lines)
        if block:
            self._hash.update(b"\n".join(block) + b"\n")
            self.transfer_count += len(block)

    def close(self, stretch: Stretch) -> bytes:
        """The link's SHA-256, once all transfers of its stretch were added."""
        self._hash.update(stretch_line(stretch) + b"\n")
        return self._hash.digest()
