"""Packed snapshots of the residents: built, brought up to date, and old ones cleared away."""

from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction

from vouchers.models import Resident, ResidentSnapshot, SnapshotBlock, Targeting
from vouchers.models.audience.snapshots import (
    BLOCK_RESIDENTS,
    BUILD,
    FIND_CHANGED,
    LATEST_SNAPSHOT,
    Latest,
    take_out,
)
from vouchers.models.locks import OWN_BLOCKS, TRY_BUILDING
from vouchers.sql.pipeline import raw_connection
from vouchers.states import ResidentState, RunState

OUTDATED_SHARE: Final = 20
"""A new snapshot is due when one resident in so many has changed."""
OUTDATED_AFTER: Final = timedelta(hours=20)
"""And after this time when any has, so that a place that was left does not stay for long."""

_UNFINISHED: Final = (RunState.QUEUED, RunState.TARGETING)


def refresh_snapshot(*, at: datetime) -> ResidentSnapshot | None:
    """Build a new snapshot if one is due and no other session builds one.

    The blocks of those before it are deleted, but for what an unfinished run reads.
    """
    with transaction.atomic():
        plan_for_all()
        latest = latest_snapshot()
        is_due = latest is None or _is_due(latest, at)
    return build_snapshot(at=at) if is_due else None


def build_snapshot(
    *, at: datetime, block_residents: int = BLOCK_RESIDENTS
) -> ResidentSnapshot | None:
    """Pack all residents anew in one transaction, in the server; None when another session does."""
    with transaction.atomic():
        (is_alone,) = TRY_BUILDING.send(raw_connection(), {}).rows()
        if not is_alone:
            return None
        plan_for_all()
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL work_mem = '256MB'; SET LOCAL jit = off")
            cursor.execute(BUILD, {"at": at, "block_residents": block_residents})
        built = ResidentSnapshot.objects.latest("id")
        OWN_BLOCKS.send(raw_connection(), {}).rows()
        _take_out_the_erased(built)
        _clear_before(built, at)
    return built


def latest_snapshot() -> Latest | None:
    """The newest snapshot, held for the caller's transaction; None when there is none."""
    for _ in range(2):
        if found := LATEST_SNAPSHOT.send(raw_connection(), {}).rows():
            return found[0]
    return None


def plan_for_all() -> None:
    """Have the statements of this transaction planned for many residents.

    A generic plan would not know that most conditions are narrow. Nor does the planner know how
    many people are on file until they are analysed, some minutes after a load: a nested loop, right
    for the handful it believes in, would then take hours.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL enable_nestloop = off"
        )


def _is_due(latest: Latest, at: datetime) -> bool:
    since = {"as_of": latest.as_of, "xid": latest.xid}
    (changed,) = FIND_CHANGED.send(raw_connection(), since).rows()
    snapshot = ResidentSnapshot.objects.get(pk=latest.id)
    residents = sum(snapshot.blocks.values_list("resident_count", flat=True))
    return bool(
        changed.size * OUTDATED_SHARE > residents
        or (changed.size and snapshot.built_at <= at - OUTDATED_AFTER)
    )


def _take_out_the_erased(built: ResidentSnapshot) -> None:
    """Take out residents who were erased while the blocks were being packed."""
    (since,) = LATEST_SNAPSHOT.send(raw_connection(), {}).rows()
    (changed,) = FIND_CHANGED.send(
        raw_connection(), {"as_of": since.as_of, "xid": since.xid}
    ).rows()
    erased = Resident.objects.filter(pk__in=changed.tolist(), state=ResidentState.ERASED)
    if ids := list(erased.values_list("pk", flat=True)):
        for block in built.blocks.iterator(chunk_size=16):
            take_out(block, ids)


def _clear_before(built: ResidentSnapshot, at: datetime) -> None:
    """Delete earlier snapshots; those that a session is reading are left to the next build."""
    named = Targeting.objects.filter(run__state__in=_UNFINISHED, snapshot__isnull=False)
    unused = ResidentSnapshot.objects.filter(pk__lt=built.pk, cleared_at=None).exclude(
        pk__in=named.values("snapshot_id")
    )
    old = list(unused.select_for_update(skip_locked=True).values_list("pk", flat=True))
    ResidentSnapshot.objects.filter(pk__in=old).update(cleared_at=at)
    SnapshotBlock.objects.filter(snapshot__in=old).delete()
