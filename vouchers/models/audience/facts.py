"""Residents read for targeting, as columns.

A row a resident would cost more to fetch than to judge. So PostgreSQL packs each column of many
residents into one bytea (big-endian), both for residents read by row and for blocks of a snapshot.
A statement sees all rows of a resident in one snapshot of the database.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vouchers.rules.audience.facts import (
    ACTIVE,
    CONSENT,
    FROZEN,
    NO,
    OF_SANDBOX,
    OTHER_STATE,
    PERMIT_SHIFT,
    REGISTERED_SHIFT,
    UNKNOWN,
    YES,
    Facts,
)
from vouchers.rules.audience.filters import POINT_KINDS
from vouchers.rules.residents import SANDBOX
from vouchers.sql.statements import Statement

AXES: Final = ("longitude_deg", "latitude_deg")
POINTS: Final = tuple(f"{kind}_{axis}" for axis in AXES for kind in POINT_KINDS)
ALWAYS: Final = {"resident_id": "int8", "bucket": "int2", "flags": "int2"}
ATTRIBUTES: Final = {
    "consented_at": "timestamptz_",
    "district_id": "int4",
    "birth_year": "int2",
    "need_score": "int2",
    "tags": "int8",
}
STREET: Final = "street"
"""The one attribute that is an array of texts, not packed."""
SENT_AS: Final = {**ALWAYS, **ATTRIBUTES, **dict.fromkeys(POINTS, "float8")}
DTYPES: Final = {
    "int8": ">i8",
    "int4": ">i4",
    "int2": ">i2",
    "float8": ">f8",
    "timestamptz_": ">i8",
}
ROWS_A_READ: Final = 65_536
IS_OF_SANDBOX: Final = f"r.external_id LIKE '{SANDBOX}%%'"
"""SQL of a resident `r`, in a statement with parameters: the sandbox registered them."""


def packed(name: str) -> str:
    """SQL that packs a column of the rows in order."""
    return f"string_agg({SENT_AS[name]}send({name}), ''::bytea)"


def _answer(column: str, shift: int) -> str:
    answer = f"CASE WHEN {column} THEN {YES} WHEN NOT {column} THEN {NO} ELSE {UNKNOWN} END"
    return f"(({answer}) << {shift})"


_PLACES: Final = ", ".join(
    f"max({axis}) FILTER (WHERE kind = '{kind}') AS {kind}_{axis}"
    for axis in AXES
    for kind in POINT_KINDS
)
_STATE: Final = (
    f"CASE r.state WHEN 'active' THEN {ACTIVE} WHEN 'frozen' THEN {FROZEN} ELSE {OTHER_STATE} END"
)


def facts(which: str) -> str:
    """SELECT of the facts about residents; `which` is a condition on the column `{of}`, repeated
    because the planner does not carry it over a join. Points are NULL where there is none."""
    return f"""
        SELECT r.id AS resident_id, r.bucket, r.tags, r.need_score, r.street,
               coalesce(r.district_id, 0)::int AS district_id,
               coalesce(r.birth_year, 0)::smallint AS birth_year,
               coalesce(c.granted_at, 'infinity') AS consented_at,
               ({_STATE} | CASE WHEN c.resident_id IS NULL THEN 0 ELSE {CONSENT} END
                | {_answer("r.is_registered", REGISTERED_SHIFT)}
                | {_answer("r.has_residence_permit", PERMIT_SHIFT)}
                | CASE WHEN {IS_OF_SANDBOX} THEN {OF_SANDBOX} ELSE 0 END)::smallint AS flags,
               {", ".join(f"p.{name}" for name in POINTS)}
          FROM vouchers_resident r
          LEFT JOIN vouchers_consent c
            ON c.resident_id = r.id AND c.purpose = 'targeting' AND c.withdrawn_at IS NULL
           AND {which.format(of="c.resident_id")}
          LEFT JOIN (
              SELECT resident_id, {_PLACES}
                FROM vouchers_residentpoint
               WHERE superseded_at IS NULL AND coarsened_at IS NULL
                 AND {which.format(of="resident_id")}
               GROUP BY resident_id
          ) p ON p.resident_id = r.id
         WHERE {which.format(of="r.id")}
    """


_PACKED: Final = ", ".join(packed(name) for name in SENT_AS)
_NOWHERE: Final = ", ".join(f"coalesce({name}, 'NaN') AS {name}" for name in POINTS)


def unpacked(name: str, data: bytes | None) -> NDArray[Any]:
    """Values of a packed column in the machine's own byte order."""
    dtype = DTYPES[SENT_AS[name]]
    return np.frombuffer(data or b"", dtype).astype(dtype[1:])


def facts_of(columns: Mapping[str, Any], attributes: Iterable[str]) -> Facts:
    """Facts from packed columns by name; those of points that are NULL hold no point."""
    always = {name: unpacked(name, columns[name]) for name in ALWAYS}
    points = np.full((len(POINTS), always["resident_id"].size), np.nan)
    for row, name in enumerate(POINTS):
        if columns[name] is not None:
            points[row] = np.frombuffer(columns[name], ">f8")
    return Facts(
        **always,
        longitude_deg=points[: len(POINT_KINDS)],
        latitude_deg=points[len(POINT_KINDS) :],
        attributes={
            name: np.array(columns[name] or (), dtype=np.str_)
            if name == STREET
            else unpacked(name, columns[name])
            for name in attributes
        },
    )


def _facts(row: Sequence[Any]) -> Facts:
    columns = dict(zip([*SENT_AS, STREET], row, strict=True))
    return facts_of(columns, [*ATTRIBUTES, STREET])


# Residents chosen one by one, in order of id.
READ_CHOSEN = Statement(
    f"""
    SELECT {_PACKED}, array_agg(street) FROM (
        SELECT resident_id, bucket, flags, {", ".join(ATTRIBUTES)}, street, {_NOWHERE}
          FROM ({facts("{of} = ANY (%(resident_ids)s::bigint[])")}) AS facts
         ORDER BY resident_id
    ) AS ordered
    """,
    _facts,
    is_binary=True,
)


class SetAside(NamedTuple):
    """Ascending ids of residents who count as another one, and of those kept out."""

    merged: NDArray[np.int64]
    excluded: NDArray[np.int64]


# Both tables are small beside the residents', and what they say holds at once. NULL: all residents.
READ_SET_ASIDE = Statement(
    """
    SELECT (SELECT string_agg(int8send(member_id), ''::bytea ORDER BY member_id)
              FROM vouchers_residentmerge
             WHERE undone_at IS NULL AND merged_at <= %(at)s
               AND (%(resident_ids)s::bigint[] IS NULL
                    OR member_id = ANY (%(resident_ids)s::bigint[]))),
           (SELECT string_agg(int8send(resident_id), ''::bytea ORDER BY resident_id)
              FROM vouchers_exclusion
             WHERE (campaign_id IS NULL OR campaign_id = %(campaign_id)s)
               AND created_at <= %(at)s AND (lifted_at IS NULL OR lifted_at > %(at)s)
               AND (%(resident_ids)s::bigint[] IS NULL
                    OR resident_id = ANY (%(resident_ids)s::bigint[])))
    """,
    lambda row: SetAside(*(np.frombuffer(ids or b"", ">i8").astype(np.int64) for ids in row)),
    is_binary=True,
)
