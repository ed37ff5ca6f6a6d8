"""What is sealed of a transfer, byte for byte, and how a link follows the one before it."""

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers.rules.seals import (
    NO_SEAL,
    JournalEntry,
    JournalLeg,
    Link,
    Stretch,
    journal_line,
    stretch_line,
)

ENTRY = JournalEntry(
    xid=900,
    id=12,
    at=datetime(2026, 4, 1, 13, 0, 0, 250, tzinfo=timezone(timedelta(hours=8))),
    reason="mint",
    cause="shard",
    cause_id=5,
    legs=[JournalLeg(1, 3, 7, -2_000), JournalLeg(2, 4, None, 2_000)],
)
LINE = (
    b'{"at":"2026-04-01T05:00:00.000250Z","cause":"shard","cause_id":5,"id":12,'
    b'"legs":[[1,3,7,-2000],[2,4,null,2000]],"reason":"mint","xid":900}'
)
STRETCH = Stretch("spring-2026", "sha", 1, 0, 901, 1)


def test_a_line_is_canonical_json_in_utc() -> None:
    assert journal_line(ENTRY) == LINE
    again = json.dumps(json.loads(LINE), sort_keys=True, separators=(",", ":")).encode()
    assert again == LINE


def test_the_last_line_names_the_stretch() -> None:
    assert stretch_line(STRETCH) == (
        b'{"campaign":"spring-2026","cell":"sha","from_xid":0,"number":1,"transfer_count":1,'
        b'"until_xid":901}'
    )


def test_a_link_is_the_hash_of_all_of_it() -> None:
    link = Link(NO_SEAL)
    link.add([LINE])
    whole = bytes(32) + LINE + b"\n" + stretch_line(STRETCH) + b"\n"
    assert link.close(STRETCH) == hashlib.sha256(whole).digest()


@given(lines=st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line)), cut=st.data())
def test_blocks_make_no_difference(lines: list[bytes], cut: st.DataObject) -> None:
    at = cut.draw(st.integers(0, len(lines)))
    whole, parts = Link(NO_SEAL), Link(NO_SEAL)
    whole.add(lines)
    parts.add(lines[:at])
    parts.add(lines[at:])
    assert whole.transfer_count == parts.transfer_count == len(lines)
    assert whole.close(STRETCH) == parts.close(STRETCH)


@pytest.mark.parametrize(
    "other",
    [
        ENTRY._replace(xid=901),
        ENTRY._replace(id=13),
        ENTRY._replace(at=datetime(2026, 4, 1, 5, tzinfo=UTC)),
        ENTRY._replace(reason="expire"),
        ENTRY._replace(cause_id=6),
        ENTRY._replace(legs=ENTRY.legs[:1]),
        ENTRY._replace(legs=[ENTRY.legs[1], ENTRY.legs[0]]),
    ],
)
def test_every_fact_counts(other: JournalEntry) -> None:
    assert journal_line(other) != LINE
