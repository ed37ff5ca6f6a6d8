"""A run's members written by COPY."""

from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection
from numpy.typing import NDArray

from vouchers.models.audience.members import WRITE_MEMBERS
from vouchers.rules.audience.commitments import commitments
from vouchers.rules.audience.filters import POINT_KINDS, TARGETED, Block, Judged
from vouchers.rules.audience.targeting import NO_RING
from vouchers.services.audience.residents import TargetingContext
from vouchers.sql.copying import HEADER, TRAILER, binary_rows


def write_members(run_id: int, context: TargetingContext, block: Block, judged: Judged) -> None:
    """COPY a block's targeted residents, in the order of the primary key.

    Point kind and ring have one width in each part.
    """
    targeted = np.flatnonzero(judged.reason == TARGETED)
    ordered = targeted[np.lexsort((block.resident_id[targeted], block.bucket[targeted]))]
    kinds, rings = judged.kind[ordered], judged.ring[ordered]
    with connection.cursor() as cursor, cursor.copy(WRITE_MEMBERS) as copy:
        copy.write(HEADER)
        for kind, name in enumerate(POINT_KINDS):
            for ring in range(NO_RING, len(context.coverage.rings.rings)):
                at = ordered[(kinds == kind) & (rings == ring)]
                label = context.ring_label(ring)
                if at.size:
                    copy.write(_member_rows(run_id, context, block, judged, at, name, label))
        copy.write(TRAILER)


def _member_rows(
    run_id: int,
    context: TargetingContext,
    block: Block,
    judged: Judged,
    at: NDArray[np.intp],
    kind: str,
    ring: str,
) -> bytes:
    row = POINT_KINDS.index(kind)
    resident_id = block.resident_id[at]
    points = zip(
        resident_id.tolist(),
        block.longitude_deg[row][at].tolist(),
        block.latitude_deg[row][at].tolist(),
        strict=True,
    )
    committed = b"".join(commitments(settings.HUIMIN_PII_KEY, run_id, kind, points))
    return binary_rows(
        [
            np.full(at.size, run_id, dtype=np.int64),
            block.bucket[at],
            resident_id,
            _text(kind, at.size),
            context.location_ids[judged.store[at]],
            judged.distance_m[at],
            _text(ring, at.size),
            np.frombuffer(committed, dtype="V32"),
        ]
    )


def _text(value: str, size: int) -> NDArray[Any]:
    """A column of one text; `V` because numpy has no byte strings of width 0."""
    encoded = value.encode()
    return np.full(size, np.void(encoded), dtype=f"V{len(encoded)}")
