"""The blocks of ground of a snapshot, by which an audience is drawn on a map."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from vouchers.models.audience.facts import POINTS
from vouchers.models.audience.snapshots import READ_EXTENTS, READ_PACKED
from vouchers.rules.audience.density import Ground, homes
from vouchers.rules.audience.facts import CONSENT, Facts
from vouchers.rules.audience.squares import Census
from vouchers.services.audience.residents import BLOCKS_A_READ, Sources, TargetingContext
from vouchers.sql.pipeline import raw_connection

EVER: Final = datetime.max.replace(tzinfo=UTC)
"""After every consent: whether there is one counts here, not since when."""


def ground_of(context: TargetingContext, sources: Sources) -> Ground:
    """The blocks of the sources' snapshot, inside the transaction that read the sources; before the
    first snapshot, those of the residents it would hold."""
    if sources.snapshot_id is not None:
        return _ground(sources.snapshot_id, context.kinds)
    everyone = Census()
    for block in context.by_row(sources.changed):
        _count(everyone, block.facts, context.kinds)
    return Ground.of(everyone)


@lru_cache(maxsize=4)
def _ground(snapshot_id: int, kinds: tuple[str, ...]) -> Ground:
    """Computed once for a snapshot, which changes only when a resident is erased."""
    raw, everyone = raw_connection(), Census()
    extents = READ_EXTENTS.send(raw, {"snapshot_id": snapshot_id}).rows()
    numbers = [extent.number for extent in extents]
    asked = {
        "snapshot_id": snapshot_id,
        "at": EVER,
        "columns": [point for point in POINTS if point.partition("_")[0] in kinds],
    }
    for start in range(0, len(numbers), BLOCKS_A_READ):
        part = {**asked, "numbers": numbers[start : start + BLOCKS_A_READ]}
        for packed in READ_PACKED.send(raw, part).rows():
            _count(everyone, packed.facts(frozenset()), kinds)
    return Ground.of(everyone)


def _count(everyone: Census, facts: Facts, kinds: tuple[str, ...]) -> None:
    everyone.add(0, homes(facts, kinds, (facts.flags & CONSENT) != 0))
