"""Packed snapshots of the city's residents: blocks in the order of cells, each column one bytea.

Residents of the sandbox stand in no block: they are few, and its campaigns read them by row.

A snapshot says what one statement saw. Whether a resident has changed since is asked of
`changed_xid`, the transaction that wrote the row or anything that refers to it (triggers see to
that), and of no clock: a change counts as soon as its transaction has committed.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from numpy.typing import NDArray

from vouchers.models.audience.facts import (
    ALWAYS,
    ATTRIBUTES,
    AXES,
    IS_OF_SANDBOX,
    POINTS,
    SENT_AS,
    STREET,
    facts,
    facts_of,
    packed,
)
from vouchers.rules.audience.facts import OF_SANDBOX, Facts
from vouchers.rules.audience.filters import POINT_KINDS
from vouchers.sql.fields import CurrentSnapshot, Xid8Field
from vouchers.sql.statements import Statement
from vouchers.sql.triggers import frozen_columns, never_deleted

BLOCK_RESIDENTS: Final = 16_384
SIDES: Final = ("west", "south", "east", "north")


class ResidentSnapshot(models.Model):
    """A version of the packed residents. The row stays; blocks of old versions are deleted."""

    built_at = models.DateTimeField(_("built at"))
    # What was visible when it was built, by what transaction, on which server: another server's
    # transactions are numbered anew.
    as_of = models.TextField(_("has seen"), db_default=CurrentSnapshot(), editable=False)
    xid = Xid8Field()
    server = models.BigIntegerField(_("server"))
    cleared_at = models.DateTimeField(_("blocks deleted at"), null=True, blank=True)

    class Meta:
        verbose_name = _("snapshot of residents")
        verbose_name_plural = _("snapshots of residents")
        ordering: ClassVar = ["-id"]
        triggers: ClassVar = [
            *never_deleted("resident_snapshot"),
            frozen_columns("resident_snapshot_frozen", "built_at", "as_of", "xid", "server"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"


class SnapshotBlock(models.Model):
    """Up to 16,384 residents who live near one another; those without a place are the last.

    Columns are packed big-endian, NULL where a block has no point of a kind. `boxes` holds, for
    each point kind, west, south, east and north of its points, NULL without any.
    """

    snapshot = models.ForeignKey(ResidentSnapshot, models.PROTECT, related_name="blocks")
    number = models.PositiveIntegerField(_("number"))
    resident_count = models.PositiveIntegerField(_("residents"))
    boxes = ArrayField(models.FloatField(null=True), size=len(SIDES) * len(POINT_KINDS))
    last_consented_at = models.DateTimeField(_("last consent at"), null=True)
    resident_id = models.BinaryField()
    bucket = models.BinaryField()
    flags = models.BinaryField()
    consented_at = models.BinaryField()
    district_id = models.BinaryField()
    birth_year = models.BinaryField()
    need_score = models.BinaryField()
    tags = models.BinaryField()
    street = ArrayField(models.CharField(max_length=40))
    home_longitude_deg = models.BinaryField(null=True)
    work_longitude_deg = models.BinaryField(null=True)
    recent_longitude_deg = models.BinaryField(null=True)
    home_latitude_deg = models.BinaryField(null=True)
    work_latitude_deg = models.BinaryField(null=True)
    recent_latitude_deg = models.BinaryField(null=True)

    class Meta:
        verbose_name = _("block of residents")
        verbose_name_plural = _("blocks of residents")
        ordering: ClassVar = ["snapshot", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["snapshot", "number"], name="one_block_per_number"),
            models.CheckConstraint(
                condition=Q(resident_count__lte=BLOCK_RESIDENTS), name="block_not_too_large"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.snapshot_id}/{self.number}"


# Cells of 0.0025° in tiles of 8 x 8, and these again: neighbours on the ground come near one
# another in the file, so that a block is compact.
_CELL: Final = """
    (((cell_row >> 6)::bigint << 24) | ((cell_column >> 6) << 12)
     | (((cell_row >> 3) & 7) << 9) | (((cell_column >> 3) & 7) << 6)
     | ((cell_row & 7) << 3) | (cell_column & 7))
"""
_BOXES: Final = ", ".join(
    f"{'min' if side in {'west', 'south'} else 'max'}"
    f"({kind}_{'longitude' if side in {'west', 'east'} else 'latitude'}_deg)"
    for kind in POINT_KINDS
    for side in SIDES
)


def _first_point(axis: str) -> str:
    return f"coalesce({', '.join(f'{kind}_{axis}_deg' for kind in POINT_KINDS)})"


def _points(name: str) -> str:
    some = f"coalesce({name}, 'NaN')"
    return f"CASE WHEN count({name}) > 0 THEN string_agg(float8send({some}), ''::bytea) END"


# Both parts of the statement see the same: what the blocks hold is what `as_of` says. The outer
# sort finds its rows sorted, and without it the columns of a block would be packed in any order.
BUILD: Final = f"""
    WITH made AS (
        INSERT INTO vouchers_residentsnapshot (built_at, server)
        SELECT %(at)s, system_identifier FROM pg_control_system()
        RETURNING id
    )
    INSERT INTO vouchers_snapshotblock (snapshot_id, number, resident_count, boxes,
           last_consented_at, {", ".join([*ALWAYS, *ATTRIBUTES])}, street, {", ".join(POINTS)})
    SELECT (SELECT id FROM made), number, count(*), ARRAY[{_BOXES}],
           max(consented_at) FILTER (WHERE consented_at < 'infinity'),
           {", ".join(packed(name) for name in [*ALWAYS, *ATTRIBUTES])}, array_agg(street),
           {", ".join(_points(name) for name in POINTS)}
      FROM (
          SELECT *, ((row_number() OVER (ORDER BY {_CELL}, resident_id) - 1)
                     / %(block_residents)s)::int AS number
            FROM (
                SELECT *, floor(({_first_point("latitude")} + 90) * 400)::int AS cell_row,
                       floor(({_first_point("longitude")} + 180) * 400)::int AS cell_column
                  FROM ({facts("true")}) AS facts
                 WHERE flags & {OF_SANDBOX} = 0
            ) AS celled
           ORDER BY number
      ) AS numbered
     GROUP BY number
"""


class Latest(NamedTuple):
    """The newest snapshot that can be read here, and what it has seen."""

    id: int
    as_of: str
    xid: int


# Held against the deletion of its blocks for the caller's transaction. No row also comes of a
# snapshot that was cleared while this waited for it; asked again, it is the next one.
LATEST_SNAPSHOT = Statement(
    """
    SELECT id, as_of, xid::text FROM vouchers_residentsnapshot s
     WHERE server = (SELECT system_identifier FROM pg_control_system())
       AND cleared_at IS NULL
     ORDER BY id DESC LIMIT 1
       FOR SHARE
    """,
    lambda row: Latest(int(row[0]), str(row[1]), int(row[2])),
)
# What its own transaction wrote later on counts as changed too: it is seen by itself at all times.
_CHANGED: Final = """
    (%(as_of)s::pg_snapshot IS NULL
     OR r.changed_xid >= pg_snapshot_xmin(%(as_of)s::pg_snapshot)
        AND (NOT pg_visible_in_snapshot(r.changed_xid, %(as_of)s::pg_snapshot)
             OR r.changed_xid = %(xid)s::text::xid8))
"""
# Ids ascending of those of the city whose row says more than the snapshot; of all without one.
FIND_CHANGED = Statement(
    f"""
    SELECT string_agg(int8send(id), ''::bytea)
      FROM (SELECT id FROM vouchers_resident r
             WHERE {_CHANGED} AND NOT {IS_OF_SANDBOX} ORDER BY id) AS changed
    """,
    lambda row: np.frombuffer(row[0] or b"", ">i8").astype(np.int64),
    is_binary=True,
)
# Ids ascending of all residents of the sandbox, by an index of their own.
FIND_OF_SANDBOX = Statement(
    f"""
    SELECT string_agg(int8send(id), ''::bytea)
      FROM (SELECT id FROM vouchers_resident r WHERE {IS_OF_SANDBOX} ORDER BY id) AS own
    """,
    lambda row: np.frombuffer(row[0] or b"", ">i8").astype(np.int64),
    is_binary=True,
)


class Extents(NamedTuple):
    """A block's size and, by point kind, its box; NaN without points."""

    number: int
    resident_count: int
    boxes: NDArray[np.float64]


READ_EXTENTS = Statement(
    """
    SELECT number, resident_count, boxes FROM vouchers_snapshotblock
     WHERE snapshot_id = %(snapshot_id)s ORDER BY number
    """,
    lambda row: Extents(
        int(row[0]),
        int(row[1]),
        np.array(row[2], dtype=np.float64).reshape(len(POINT_KINDS), len(SIDES)),
    ),
)
# Who stands in blocks that are not read otherwise.
READ_IDS = Statement(
    """
    SELECT resident_id FROM vouchers_snapshotblock
     WHERE snapshot_id = %(snapshot_id)s AND number = ANY (%(numbers)s::bigint[])
    """,
    lambda row: np.frombuffer(row[0], ">i8").astype(np.int64),
    is_binary=True,
)


class PackedBlock(NamedTuple):
    """Columns of a block by name; those that were not asked for are NULL."""

    has_late_consents: bool
    columns: dict[str, Any]

    def facts(self, attributes: Iterable[str]) -> Facts:
        """Unpacked; consents are looked at one by one only where some are later than asked for."""
        late = ["consented_at"] if self.has_late_consents else []
        return facts_of(self.columns, [*attributes, *late])


def _block(row: Sequence[Any]) -> PackedBlock:
    names = [*ALWAYS, *ATTRIBUTES, STREET, *POINTS]
    return PackedBlock(bool(row[0]), dict(zip(names, row[1:], strict=True)))


# A column that is not asked for stays where it is: each is stored apart from the row.
READ_PACKED = Statement(
    f"""
    SELECT coalesce(last_consented_at > %(at)s, false), {", ".join(ALWAYS)},
           CASE WHEN last_consented_at > %(at)s THEN consented_at END,
           {
        ", ".join(
            f"CASE WHEN '{name}' = ANY (%(columns)s::text[]) THEN {name} END"
            for name in [*(name for name in ATTRIBUTES if name != "consented_at"), STREET, *POINTS]
        )
    }
      FROM vouchers_snapshotblock
     WHERE snapshot_id = %(snapshot_id)s AND number = ANY (%(numbers)s::bigint[])
     ORDER BY number
    """,
    _block,
    is_binary=True,
)
# Blocks that may hold a resident: the bytes of an id can also stand across two others.
FIND_BLOCKS_OF = Statement(
    """
    SELECT id FROM vouchers_snapshotblock
     WHERE position(int8send(%(resident_id)s::bigint) IN resident_id) > 0
     ORDER BY id
       FOR NO KEY UPDATE
    """,
    lambda row: int(row[0]),
)


def take_out(block: SnapshotBlock, resident_ids: Collection[int]) -> bool:
    """Rewrite a block without these residents; False when none of them stands in it."""
    ids = np.frombuffer(bytes(block.resident_id), ">i8")
    stays = ~np.isin(ids, list(resident_ids))
    if stays.all():
        return False
    for name in SENT_AS:
        data = getattr(block, name)
        if data is not None:
            rows = np.frombuffer(bytes(data), f"V{len(data) // ids.size}")
            setattr(block, name, rows[stays].tobytes())
    block.street = [street for street, kept in zip(block.street, stays, strict=True) if kept]
    block.resident_count = int(stays.sum())
    block.boxes = [side for kind in POINT_KINDS for side in _box(block, kind)]
    block.save()
    return True


def _box(block: SnapshotBlock, kind: str) -> Sequence[float | None]:
    """Of the points that are left, so that the edge does not say where another one was."""
    packed = [getattr(block, f"{kind}_{axis}") for axis in AXES]
    lon, lat = (np.frombuffer(values or b"", ">f8") for values in packed)
    lon, lat = lon[~np.isnan(lon)], lat[~np.isnan(lat)]
    if not lon.size:
        return [None] * len(SIDES)
    return [float(edge) for edge in (lon.min(), lat.min(), lon.max(), lat.max())]
