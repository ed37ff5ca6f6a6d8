"""A campaign's journal in the order of its seals, and how far it can be sealed."""

from collections.abc import Iterator
from itertools import starmap
from typing import Any, NamedTuple

import psycopg

from vouchers.rules.proofs.seals import JournalEntry, JournalLeg
from vouchers.sql.statements import Statement
from vouchers.sql.streams import stream

# The transactions are compared as the index on them is written: xid8 has no range index of its own.
XID = "t.xid::text::bigint"

# Every transaction below it has ended: none that shows up later can lie before it.
HORIZON = Statement(
    "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint", lambda row: int(row[0])
)


class Unsealed(NamedTuple):
    """Transfers waiting for a seal, and the first and last of their transactions."""

    transfers: int
    first_xid: int | None
    last_xid: int | None


FIND_UNSEALED: Statement[Unsealed] = Statement(
    f"""
    SELECT count(*), min(xid), max(xid)
      FROM (SELECT {XID} AS xid FROM vouchers_transfer t
             WHERE t.campaign_id = %(campaign_id)s
               AND {XID} >= %(from_xid)s::bigint AND {XID} < %(until_xid)s::bigint
             ORDER BY 1 LIMIT %(most)s::bigint) AS next
    """,
    Unsealed._make,
)

_ENTRIES = f"""
    SELECT {XID}, t.id, t.at, t.reason, t.cause, t.cause_id,
           COALESCE(array_agg(ARRAY[l.line_no, l.account_id, l.allocation_id, l.amount_fen]
                              ORDER BY l.line_no) FILTER (WHERE l.line_no IS NOT NULL), '{{}}')
      FROM vouchers_transfer t
      LEFT JOIN vouchers_leg l ON l.transfer_id = t.id AND l.at = t.at
     WHERE t.campaign_id = %(campaign_id)s
       AND {XID} >= %(from_xid)s::bigint
       AND (%(until_xid)s::bigint IS NULL OR {XID} < %(until_xid)s::bigint)
     GROUP BY 1, 2, 3, 4, 5, 6
     ORDER BY 1, 2
"""


def journal(
    raw: psycopg.Connection[Any],
    *,
    campaign_id: int,
    from_xid: int = 0,
    until_xid: int | None = None,
) -> Iterator[list[JournalEntry]]:
    """Transfers of the transactions from ≤ xid < until, in (xid, id) order, a block at a time."""
    parameters = {"campaign_id": campaign_id, "from_xid": from_xid, "until_xid": until_xid}
    for block in stream(raw, _ENTRIES, parameters):
        yield [JournalEntry._make((*facts, [*starmap(JournalLeg, legs)])) for *facts, legs in block]
