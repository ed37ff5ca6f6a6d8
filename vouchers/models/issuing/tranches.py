"""Shards written; a tranche's own table opened unseen, filled, attached, and counted at the end."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.sql.statements import Statement
from vouchers.states import RedemptionState, VoucherState

# The packed columns go as they are: megabytes that the ORM would write out as text.
INSERT_SHARD: Statement[Any] = Statement(
    """
    INSERT INTO vouchers_shard (run_id, number, tier_id, voucher_count, resident_ids, buckets,
                                allocation_ids, state, fence)
    VALUES (%(run_id)s, %(number)s, %(tier_id)s, %(voucher_count)s, %(resident_ids)s, %(buckets)s,
            %(allocation_ids)s, 'waiting', 0)
    """
)


class People(NamedTuple):
    """The residents of a shard, in serial order."""

    resident_ids: NDArray[np.int64]
    buckets: NDArray[np.int16]
    allocation_ids: NDArray[np.int64]


READ_PEOPLE = Statement(
    """
    SELECT resident_ids, buckets, allocation_ids FROM vouchers_shard WHERE id = %(shard_id)s
    """,
    lambda row: People(*map(np.frombuffer, row, ("<i8", "<i2", "<i8"))),
    is_binary=True,
)
OPEN_TRANCHE = Statement(
    "SELECT huimin_open_tranche(%(tranche_id)s::bigint)", lambda row: str(row[0])
)
ATTACH_TRANCHE = Statement("SELECT huimin_attach_tranche(%(tranche_id)s::bigint)", lambda row: None)
WRITE_VOUCHERS: Final = (
    "COPY {table} (id, resident_id, allocation_id, bucket, state) FROM STDIN (FORMAT BINARY)"
)


class UnspentRow(NamedTuple):
    """The number of unused vouchers of an allocation."""

    allocation_id: int
    vouchers: int


# By the range of ids, so that only the tranche's partition is read.
COUNT_UNSPENT = Statement(
    f"""
    SELECT allocation_id, count(*)
      FROM vouchers_voucher
     WHERE id >= %(tranche_id)s::bigint << {SERIAL_BITS}
       AND id < (%(tranche_id)s::bigint + 1) << {SERIAL_BITS}
       AND state = {VoucherState.ISSUED.value}
     GROUP BY allocation_id
     ORDER BY allocation_id
    """,
    UnspentRow._make,
)


class RestRow(NamedTuple):
    """What percentage redemptions of an allocation left unspent of one source's shares of the
    faces, in fen."""

    allocation_id: int
    source_id: int
    fen: int


# Only percentages leave something: they take less than the face of small orders, when they are used
# and already when they are authorised.
SUM_RESTS = Statement(
    f"""
    SELECT r.allocation_id, (face.share->>0)::bigint,
           sum((face.share->>1)::bigint - COALESCE(spent.fen, 0))::bigint
      FROM vouchers_tranche t
      JOIN vouchers_redemption r
        ON r.voucher_id >= t.id << {SERIAL_BITS} AND r.voucher_id < (t.id + 1) << {SERIAL_BITS}
       AND r.state IN ({RedemptionState.AUTHORISED.value}, {RedemptionState.CAPTURED.value})
     CROSS JOIN LATERAL jsonb_array_elements(t.split) AS face(share)
      LEFT JOIN LATERAL (
           SELECT (share->>1)::bigint AS fen FROM jsonb_array_elements(r.split) AS used(share)
            WHERE share->>0 = face.share->>0) AS spent ON true
     WHERE t.id = %(tranche_id)s::bigint
     GROUP BY 1, 2
     ORDER BY 1, 2
    """,
    RestRow._make,
)
OPEN_MONTH = Statement("SELECT huimin_open_month(%(month)s::date)", lambda row: None)
