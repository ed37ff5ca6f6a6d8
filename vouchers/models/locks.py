"""Locks that are not rows. Every writer takes its locks in one order:

request key → order claim → tranche → voucher → cap counter → quota bucket, and within a class by
ascending key. All are released by the end of the transaction.
"""

from typing import Any

from vouchers.models.statements import Statement

# First halves of two-part advisory keys; requests, orders and counters use 64-bit hashes instead.
TRANCHE_CLASS = 1
RUN_CLASS = 2

# A request key is only tried: a batch never waits for a duplicate in flight, it answers 409.
TRY_KEYS = Statement(
    """
    SELECT pg_try_advisory_xact_lock(key)
      FROM unnest(%(keys)s::bigint[]) WITH ORDINALITY AS wanted(key, ordinal)
     ORDER BY ordinal
    """,
    lambda row: bool(row[0]),
)

# Keys arrive sorted; unnest keeps the order.
TAKE_KEYS: Statement[Any] = Statement(
    "SELECT pg_advisory_xact_lock(key) FROM unnest(%(keys)s::bigint[]) AS wanted(key)"
)

# Shared by all who use vouchers of a tranche, exclusive for the one who expires it.
SHARE_TRANCHES: Statement[Any] = Statement(
    f"""
    SELECT pg_advisory_xact_lock_shared({TRANCHE_CLASS}, tranche_id)
      FROM unnest(%(tranche_ids)s::int[]) AS wanted(tranche_id)
    """
)
OWN_TRANCHE: Statement[Any] = Statement(
    f"SELECT pg_advisory_xact_lock({TRANCHE_CLASS}, %(tranche_id)s::int)"
)
