"""Reading residents for targeting, and writing a run's audience.

A row a resident would cost more to fetch than to judge. So residents are read a block a statement,
and PostgreSQL packs each column of a block into one bytea (big-endian, in order of id). A statement
sees all rows of a resident in one snapshot.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vouchers.rules.audience.filters import POINT_KINDS, Block, Untargeted
from vouchers.sql.statements import Statement

BLOCK_RESIDENTS: Final = 65_536

# The last id of the block that follows `after_id`; NULL when no resident follows.
NEXT_BLOCK = Statement(
    """
    SELECT max(id) FROM (
        SELECT id FROM vouchers_resident WHERE id > %(after_id)s ORDER BY id LIMIT %(residents)s
    ) AS block
    """,
    lambda row: None if row[0] is None else int(row[0]),
)

_TYPES: Final = {"id": "int8", "bucket": "int2", "district_id": "int4", "reason": "int2"}
_DTYPES: Final = {"int8": ">i8", "int4": ">i4", "int2": ">i2", "float8": ">f8"}
_POINTS: Final = [f"{kind}_{axis}" for axis in ("lon", "lat") for kind in POINT_KINDS]
_COLUMNS: Final = [*_TYPES.items(), *((name, "float8") for name in _POINTS)]
_PACKED: Final = ", ".join(
    f"string_agg({type_}send({name}), ''::bytea)" for name, type_ in _COLUMNS
)
_PLACES: Final = ", ".join(
    f"coalesce(max({axis}itude_deg) FILTER (WHERE kind = '{kind}'), 'NaN') AS {kind}_{axis[:3]}"
    for axis in ("long", "lat")
    for kind in POINT_KINDS
)
_NOWHERE: Final = ", ".join(f"coalesce(p.{name}, 'NaN') AS {name}" for name in _POINTS)

# The reasons in the order of `Untargeted`. An unknown attribute makes its condition NULL, which is
# not true, so it does not pass the filter. The ranges of ids are repeated because the planner does
# not carry them over a join.
_READ_BLOCK: Final = f"""
    SELECT {_PACKED} FROM (
        SELECT r.id, r.bucket, coalesce(r.district_id, 0) AS district_id, {_NOWHERE},
               (CASE WHEN r.state = 'frozen' THEN {Untargeted.FROZEN}
                     WHEN r.state <> 'active' THEN {Untargeted.NOT_ACTIVE}
                     WHEN r.id IN (SELECT member_id FROM vouchers_residentmerge
                                    WHERE undone_at IS NULL AND merged_at <= %(at)s)
                     THEN {Untargeted.MERGED}
                     WHEN c.resident_id IS NULL THEN {Untargeted.NO_CONSENT}
                     WHEN r.id IN (SELECT resident_id FROM vouchers_exclusion
                                    WHERE (campaign_id IS NULL OR campaign_id = %(campaign_id)s)
                                      AND created_at <= %(at)s
                                      AND (lifted_at IS NULL OR lifted_at > %(at)s))
                     THEN {Untargeted.EXCLUDED}
                     WHEN ((%(age_min)s::int IS NULL OR %(year)s - r.birth_year >= %(age_min)s)
                       AND (%(age_max)s::int IS NULL OR %(year)s - r.birth_year <= %(age_max)s)
                       AND (%(districts)s::bigint[] IS NULL
                            OR r.district_id = ANY (%(districts)s::bigint[]))
                       AND (%(streets)s::text[] IS NULL OR r.street = ANY (%(streets)s::text[]))
                       AND (%(is_registered)s::bool IS NULL
                            OR r.is_registered = %(is_registered)s)
                       AND (%(has_residence_permit)s::bool IS NULL
                            OR r.has_residence_permit = %(has_residence_permit)s)
                       AND (%(need_score_min)s::int IS NULL OR r.need_score >= %(need_score_min)s)
                       AND r.tags & %(tags_all)s::bigint = %(tags_all)s::bigint
                       AND (%(tags_any)s::bigint = 0 OR r.tags & %(tags_any)s::bigint <> 0)
                     ) IS NOT TRUE
                     THEN {Untargeted.FILTERED}
                     WHEN (%(within_districts)s::bigint[] IS NULL
                           OR r.district_id = ANY (%(within_districts)s::bigint[])) IS NOT TRUE
                     THEN {Untargeted.OUTSIDE_DISTRICT}
                     ELSE 0 END)::smallint AS reason
          FROM vouchers_resident r
          LEFT JOIN vouchers_consent c
            ON c.resident_id = r.id AND c.purpose = 'targeting' AND c.withdrawn_at IS NULL
           AND c.granted_at <= %(at)s
           AND c.resident_id > %(after_id)s AND c.resident_id <= %(last_id)s
          LEFT JOIN (
              SELECT resident_id, {_PLACES}
                FROM vouchers_residentpoint
               WHERE superseded_at IS NULL AND coarsened_at IS NULL
                 AND resident_id > %(after_id)s AND resident_id <= %(last_id)s
               GROUP BY resident_id
          ) p ON p.resident_id = r.id
         WHERE r.id > %(after_id)s AND r.id <= %(last_id)s
         ORDER BY r.id
    ) AS ordered
"""

WRITE_MEMBERS: Final = """
    COPY vouchers_audiencemember (run_id, bucket, resident_id, point_kind, store_location_id,
                                  distance_m, ring, commitment)
    FROM STDIN (FORMAT BINARY)
"""


def _columns(
    row: Sequence[bytes | None], columns: Sequence[tuple[str, str]]
) -> dict[str, NDArray[Any]]:
    """Packed values by name, in the machine's own byte order."""
    return {
        name: np.frombuffer(packed or b"", _DTYPES[type_]).astype(_DTYPES[type_][1:])
        for (name, type_), packed in zip(columns, row, strict=True)
    }


def _block(row: Sequence[bytes | None]) -> Block:
    columns = _columns(row, _COLUMNS)
    points = np.array([columns[name] for name in _POINTS])
    return Block(
        resident_id=columns["id"],
        bucket=columns["bucket"],
        district_id=columns["district_id"],
        reason=columns["reason"].astype(np.int8),
        longitude_deg=points[: len(POINT_KINDS)],
        latitude_deg=points[len(POINT_KINDS) :],
    )


READ_BLOCK = Statement(_READ_BLOCK, _block, is_binary=True)
# The same of residents chosen one by one.
READ_CHOSEN = Statement(
    re.sub(
        r"(\S+) > %\(after_id\)s AND \1 <= %\(last_id\)s",
        r"\1 = ANY (%(resident_ids)s::bigint[])",
        _READ_BLOCK,
    ),
    _block,
    is_binary=True,
)


class Members(NamedTuple):
    """A block of a run's audience as columns, in no order; district 0: unknown or not read."""

    resident_id: NDArray[np.int64]
    bucket: NDArray[np.int16]
    distance_m: NDArray[np.float64]
    store_location_id: NDArray[np.int64]
    district_id: NDArray[np.int32]


_MEMBER_COLUMNS: Final = list(
    zip(Members._fields, ("int8", "int2", "float8", "int8", "int4"), strict=True)
)
_READ_MEMBERS: Final = """
    SELECT string_agg(int8send(m.resident_id), ''::bytea),
           string_agg(int2send(m.bucket), ''::bytea),
           string_agg(float8send(m.distance_m), ''::bytea),
           string_agg(int8send(m.store_location_id), ''::bytea),
           string_agg(int4send({district}), ''::bytea)
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
    return Members(**_columns(row, _MEMBER_COLUMNS))


# The members that follow (after_bucket, after_id) in the order of the primary key, at most `most`.
READ_MEMBERS = Statement(_READ_MEMBERS.format(district="0", join=""), _members, is_binary=True)
# Districts cost a join, so they are read where a quota asks for them only.
READ_MEMBERS_WITH_DISTRICT = Statement(
    _READ_MEMBERS.format(
        district="coalesce(r.district_id, 0)",
        join="JOIN vouchers_resident r ON r.id = m.resident_id",
    ),
    _members,
    is_binary=True,
)
