"""Every kind of lock, in the one order in which a transaction may take them.

A writer takes locks of a later class after those of an earlier one, and within a class by ascending
key. All of them are released by the end of the transaction.
"""

from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from vouchers.sql.statements import Statement


class Means(Enum):
    """What a lock is in PostgreSQL."""

    ROW = "row, FOR NO KEY UPDATE"
    KEY = "advisory, a 64-bit hash of the key"
    NUMBER = "advisory, class number and id"


@dataclass(frozen=True, slots=True)
class LockClass:
    """One kind of lock; `number` is the first half of a two-part advisory key."""

    name: str
    means: Means
    purpose: str
    number: int = 0

    def key(self, *parts: object) -> int:
        """The signed 64-bit advisory key of what `parts` name; the same in every process."""
        name = repr((self.name, *parts)).encode()
        return int.from_bytes(blake2b(name, digest_size=8).digest(), signed=True)


REQUEST_KEY: Final = LockClass(
    "request key",
    Means.KEY,
    "one transaction works on an idempotency key; only tried, so that a duplicate is answered 409",
)
ORDER_CLAIM: Final = LockClass(
    "order claim", Means.KEY, "redeem, reverse and every later act on one order queue here"
)
REFUND_NO: Final = LockClass(
    "refund number", Means.KEY, "of two refunds under one number the second finds the first"
)
RESIDENT: Final = LockClass(
    "resident", Means.ROW, "changes of one resident happen one at a time; several by ascending id"
)
CAMPAIGN: Final = LockClass(
    "campaign",
    Means.ROW,
    "edits, moves, decisions, settling and collecting of one campaign happen one at a time",
)
SOURCE: Final = LockClass(
    "funding source", Means.ROW, "no cash of a source is paid out or repaid twice"
)
SHARD: Final = LockClass("shard", Means.ROW, "a shard is minted by the holder of its newest lease")
TARGETING_PART: Final = LockClass(
    "part of a targeting", Means.ROW, "a part is judged by the holder of its newest lease"
)
RUN: Final = LockClass("run", Means.ROW, "a run is worked on by the holder of its newest lease")
CASE: Final = LockClass(
    "case", Means.ROW, "signals gather in a case, and officers act on it, one at a time"
)
TERMS: Final = LockClass(
    "terms", Means.NUMBER, "shared by minting, exclusive for an amendment of the terms", number=4
)
TRANCHE: Final = LockClass(
    "tranche", Means.NUMBER, "shared by users of its vouchers, exclusive for its expiry", number=1
)
VOUCHER: Final = LockClass("voucher", Means.ROW, "a voucher's state is decided on under its lock")
REDEMPTION: Final = LockClass(
    "redemption", Means.ROW, "settling, holding, undoing and refunding of one redemption queue here"
)
SETTLEMENT: Final = LockClass(
    "settlement", Means.ROW, "shared by refunds, exclusive for the payout"
)
LIMIT_COUNTER: Final = LockClass(
    "limit counter",
    Means.KEY,
    "what a limit on a person or a link counts is read and written by one at a time",
)
CLAIMED: Final = LockClass(
    "claims of a resident",
    Means.KEY,
    "what one resident claims in a round is counted one at a time",
)
TRANCHE_SIZE: Final = LockClass(
    "size of a tranche", Means.ROW, "claimed vouchers are numbered on, without a gap"
)
RISK_TALLY: Final = LockClass(
    "risk tally", Means.KEY, "what a risk rule looks at is read and written by one at a time"
)
QUOTA_BUCKET: Final = LockClass(
    "quota bucket", Means.ROW, "headroom is decided on under its lock, the last of all facts"
)
COUNTER_ROW: Final = LockClass(
    "row of a limit counter",
    Means.ROW,
    "added to at the end; its CHECK refuses more than the limit of a store or merchant",
)
SEAL: Final = LockClass("seal", Means.NUMBER, "one sealer a campaign at a time", number=3)
ARCHIVE: Final = LockClass("archive", Means.NUMBER, "one archiver of requests at a time", number=5)
SNAPSHOT: Final = LockClass(
    "snapshot of residents",
    Means.NUMBER,
    "one builder at a time; whom an erasure takes out does not come back with a new snapshot",
    number=6,
)

LOCK_ORDER: Final = (
    REQUEST_KEY,
    ORDER_CLAIM,
    REFUND_NO,
    RESIDENT,
    CAMPAIGN,
    SOURCE,
    SHARD,
    TARGETING_PART,
    RUN,
    CASE,
    TERMS,
    TRANCHE,
    VOUCHER,
    REDEMPTION,
    SETTLEMENT,
    LIMIT_COUNTER,
    CLAIMED,
    TRANCHE_SIZE,
    RISK_TALLY,
    QUOTA_BUCKET,
    COUNTER_ROW,
    SEAL,
    ARCHIVE,
    SNAPSHOT,
)
"""Every lock class; a transaction may skip classes, never go back."""

# One statement in the common order. A request key is only tried: a batch never waits for a
# duplicate in flight, it answers 409; the first rows are the keys that were locked. Arrays arrive
# sorted and UNION ALL runs its parts in turn, so waiting locks are always asked for in the same
# order.
_LOCK_BATCH: Final = f"""
    SELECT pg_try_advisory_xact_lock(key){{ids}}
      FROM unnest(%(request_keys)s::bigint[]) AS wanted(key)
     UNION ALL
    SELECT pg_advisory_xact_lock(key) IS NULL{{none}}
      FROM unnest(%(order_keys)s::bigint[]) AS wanted(key)
     UNION ALL
    SELECT pg_advisory_xact_lock_shared({TRANCHE.number}, tranche_id::int) IS NULL{{none}}
      FROM unnest(%(tranche_ids)s::bigint[]) AS wanted(tranche_id)
    """
LOCK_BATCH = Statement(_LOCK_BATCH.format(ids="", none=""), lambda row: bool(row[0]))


class LockedKey(NamedTuple):
    """Whether a request's key was locked, and fresh ids of a redemption and its transfer."""

    is_locked: bool
    redemption_id: int
    transfer_id: int


# The same for redemptions: with every key go ids, of which those of refused requests are left out.
LOCK_REDEMPTIONS = Statement(
    _LOCK_BATCH.format(
        ids=", nextval('vouchers_redemption_id_seq'), nextval('vouchers_transfer_id_seq')",
        none=", 0, 0",
    ),
    LockedKey._make,
    is_binary=True,
)
# Counts, so that not a row a lock is sent back.
LOCK_COUNTERS: Statement[Any] = Statement(
    """
    SELECT count(*) FILTER (WHERE pg_advisory_xact_lock(key) IS NULL)
      FROM unnest(%(keys)s::bigint[]) AS wanted(key)
    """
)

SHARE_TRANCHES: Statement[Any] = Statement(
    f"""
    SELECT pg_advisory_xact_lock_shared({TRANCHE.number}, tranche_id::int)
      FROM unnest(%(tranche_ids)s::bigint[]) AS wanted(tranche_id)
    """
)
OWN_TRANCHE: Statement[Any] = Statement(
    f"SELECT pg_advisory_xact_lock({TRANCHE.number}, %(tranche_id)s::int)"
)
# One sealer a campaign at a time; the statements after it see the last one's link.
OWN_SEALING: Statement[Any] = Statement(
    f"SELECT pg_advisory_xact_lock({SEAL.number}, %(campaign_id)s::int)"
)
# One archiver of requests at a time.
OWN_ARCHIVING: Statement[Any] = Statement(f"SELECT pg_advisory_xact_lock({ARCHIVE.number}, 0)")
# One builder of snapshots at a time; the others leave it to them.
TRY_BUILDING = Statement(
    f"SELECT pg_try_advisory_xact_lock({SNAPSHOT.number}, 0)", lambda row: bool(row[0])
)
# Shared by erasures, exclusive at the end of a build: it then sees every erasure, or it waits.
SHARE_BLOCKS: Statement[Any] = Statement(
    f"SELECT pg_advisory_xact_lock_shared({SNAPSHOT.number}, 1)"
)
OWN_BLOCKS: Statement[Any] = Statement(f"SELECT pg_advisory_xact_lock({SNAPSHOT.number}, 1)")

# Shared by those who mint under a campaign's terms, exclusive for the one who amends them; before
# any tranche.
SHARE_TERMS: Statement[Any] = Statement(
    f"SELECT pg_advisory_xact_lock_shared({TERMS.number}, %(campaign_id)s::int)"
)
OWN_TERMS: Statement[Any] = Statement(
    f"SELECT pg_advisory_xact_lock({TERMS.number}, %(campaign_id)s::int)"
)
