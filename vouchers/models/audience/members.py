"""A run's audience: written by COPY, read back in blocks, each column packed into one bytea."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vouchers.models.audience.facts import DTYPES
from vouchers.sql.statements import Statement

WRITE_MEMBERS: Final = """
    COPY vouchers_audiencemember (run_id, bucket, resident_id, point_kind, store_location_id,
                                  distance_m, ring, commitment)
    FROM STDIN (FORMAT BINARY)
"""


class Members(NamedTuple):
    """A block of a run's audience as columns, in no order. What is on file of the residents
    (`FACTS`) is 0 where unknown, and where it was not read; answers are 1 for yes."""

    resident_id: NDArray[np.int64]
    bucket: NDArray[np.int16]
    distance_m: NDArray[np.float64]
    store_location_id: NDArray[np.int64]
    district_id: NDArray[np.int32]
    need_score: NDArray[np.int32]
    birth_year: NDArray[np.int32]
    is_registered: NDArray[np.int32]
    has_residence_permit: NDArray[np.int32]
    tags: NDArray[np.int64]


FACTS: Final = {
    "district_id": "coalesce(r.district_id, 0)",
    "need_score": "coalesce(r.need_score, 0)::int",
    "birth_year": "coalesce(r.birth_year, 0)::int",
    "is_registered": "coalesce(r.is_registered, false)::int",
    "has_residence_permit": "coalesce(r.has_residence_permit, false)::int",
    "tags": "r.tags",
}
_TYPES: Final = {
    "resident_id": "int8",
    "bucket": "int2",
    "distance_m": "float8",
    "store_location_id": "int8",
    **dict.fromkeys(FACTS, "int4"),
    "tags": "int8",
}
_READ_MEMBERS: Final = """
    SELECT string_agg(int8send(m.resident_id), ''::bytea),
           string_agg(int2send(m.bucket), ''::bytea),
           string_agg(float8send(m.distance_m), ''::bytea),
           string_agg(int8send(m.store_location_id), ''::bytea){facts}
      FROM (
          SELECT bucket, resident_id, distance_m, store_location_id
            FROM vouchers_audiencemember
           WHERE run_id = %(run_id)s
             AND (bucket, resident_id) > (%(after_bucket)s::smallint, %(after_id)s::bigint)
           ORDER BY bucket, resident_id
           LIMIT %(most)s
      ) m {join}
"""


def _members(row: Sequence[bytes | None]) -> Members:
    """Members from the columns that were read, the first of `Members`."""
    found = [
        np.frombuffer(packed or b"", DTYPES[_TYPES[name]]).astype(DTYPES[_TYPES[name]][1:])
        for name, packed in zip(Members._fields, row, strict=False)
    ]
    unread = Members._fields[len(found) :]
    return Members(*found, *(np.zeros(found[0].size, DTYPES[_TYPES[name]][1:]) for name in unread))


class AsOf(NamedTuple):
    """What the transaction sees, and its own number, both as text."""

    as_of: str
    xid: str


AS_OF = Statement("SELECT pg_current_snapshot()::text, pg_current_xact_id()::text", AsOf._make)

# Whether what is on file of a resident may have changed since a choice that kept `AsOf`.
HAS_CHANGED = Statement(
    """
    SELECT r.changed_xid::text <> %(xid)s::text
           AND NOT pg_visible_in_snapshot(r.changed_xid, %(as_of)s::text::pg_snapshot)
      FROM vouchers_resident r WHERE r.id = %(resident_id)s::bigint
    """,
    lambda row: bool(row[0]),
)

# The members that follow (after_bucket, after_id) in the order of the primary key, at most `most`.
READ_MEMBERS = Statement(
    _READ_MEMBERS.format(facts="", join=""),
    _members,
    is_binary=True,
)
# What is on file of the residents costs a join, so it is read where the selection asks for it only.
READ_MEMBERS_WITH_FACTS = Statement(
    _READ_MEMBERS.format(
        facts="".join(
            f", string_agg({_TYPES[name]}send({column}), ''::bytea)"
            for name, column in FACTS.items()
        ),
        join="JOIN vouchers_resident r ON r.id = m.resident_id",
    ),
    _members,
    is_binary=True,
)
