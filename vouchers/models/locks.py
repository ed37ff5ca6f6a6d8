"""Locks that are not rows. Every writer takes its locks in one order:

request key → order claim → refund number → tranche → voucher → redemption → settlement →
cap counter → quota bucket, and within a class by ascending key. All are released by the end of the
transaction.
"""

from hashlib import blake2b
from typing import Any

from vouchers.sql.statements import Statement

# First halves of two-part advisory keys; requests, orders and counters use 64-bit hashes instead.
TRANCHE_CLASS = 1
RUN_CLASS = 2
TERMS_CLASS = 4
SEAL_CLASS = 3
ARCHIVE_CLASS = 5

# One statement in the common order. A request key is only tried: a batch never waits for a
# duplicate in flight, it answers 409; the first rows say which keys were got. Arrays arrive sorted
# and UNION ALL runs its parts in turn, so waiting locks are always asked for in the same order.
LOCK_BATCH = Statement(
    f"""
    SELECT pg_try_advisory_xact_lock(key) FROM unnest(%(request_keys)s::bigint[]) AS wanted(key)
     UNION ALL
    SELECT pg_advisory_xact_lock(key) IS NULL FROM unnest(%(order_keys)s::bigint[]) AS wanted(key)
     UNION ALL
    SELECT pg_advisory_xact_lock_shared({TRANCHE_CLASS}, tranche_id::int) IS NULL
      FROM unnest(%(tranche_ids)s::bigint[]) AS wanted(tranche_id)
    """,
    lambda row: bool(row[0]),
)
# Counts, so that not a row a lock is sent back.
LOCK_COUNTERS: Statement[Any] = Statement(
    """
    SELECT count(*) FILTER (WHERE pg_advisory_xact_lock(key) IS NULL)
      FROM unnest(%(keys)s::bigint[]) AS wanted(key)
    """
)

# Shared by all who use vouchers of a tranche, exclusive for the one who expires it.
SHARE_TRANCHES: Statement[Any] = Statement(
    f"""
    SELECT pg_advisory_xact_lock_shared({TRANCHE_CLASS}, tranche_id::int)
      FROM unnest(%(tranche_ids)s::bigint[]) AS wanted(tranche_id)
    """
)
OWN_TRANCHE: Statement[Any] = Statement(
    f"SELECT pg_advisory_xact_lock({TRANCHE_CLASS}, %(tranche_id)s::int)"
)
# One sealer a campaign at a time; the statements after it see the last one's link.
OWN_SEALING: Statement[Any] = Statement(
    f"SELECT pg_advisory_xact_lock({SEAL_CLASS}, %(campaign_id)s::int)"
)
# One archiver of requests at a time.
OWN_ARCHIVING: Statement[Any] = Statement(f"SELECT pg_advisory_xact_lock({ARCHIVE_CLASS}, 0)")

# Shared by those who mint under a campaign's terms, exclusive for the one who amends them; before
# any tranche.
SHARE_TERMS: Statement[Any] = Statement(
    f"SELECT pg_advisory_xact_lock_shared({TERMS_CLASS}, %(campaign_id)s::int)"
)
OWN_TERMS: Statement[Any] = Statement(
    f"SELECT pg_advisory_xact_lock({TERMS_CLASS}, %(campaign_id)s::int)"
)


def lock_key(kind: str, *parts: object) -> int:
    """A signed 64-bit advisory key for a thing named by `parts`; the same in every process."""
    name = repr((kind, *parts)).encode()
    return int.from_bytes(blake2b(name, digest_size=8).digest(), signed=True)
