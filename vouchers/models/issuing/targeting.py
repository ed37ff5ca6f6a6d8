"""How a run's audience is found: what it is judged by, and the parts that workers share."""

from typing import Any, ClassVar, NamedTuple

import numpy as np
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from numpy.typing import NDArray

from vouchers.models.audience.snapshots import ResidentSnapshot
from vouchers.models.issuing.runs import SHARD_STATES, Run
from vouchers.sql.statements import Statement
from vouchers.sql.triggers import append_only, frozen_columns, never_deleted, only_arrows
from vouchers.states import ShardState


class Targeting(models.Model):
    """What all parts of a run judge by: the instant, the stores with their places and radii (packed
    little-endian, in order of store), and the snapshot of residents, None where all are read by
    row. Campaign terms are frozen by then."""

    run = models.OneToOneField(Run, models.PROTECT, primary_key=True, related_name="targeting")
    at = models.DateTimeField(_("as of"))
    snapshot = models.ForeignKey(ResidentSnapshot, models.PROTECT, null=True, related_name="+")
    location_ids = models.BinaryField(_("store locations, int64"))
    radii_m = models.BinaryField(_("radii, float64"))
    # Residents of blocks that no store reaches: they are not looked at one by one.
    beyond_reach = models.PositiveIntegerField(_("beyond every store's reach"))

    class Meta:
        verbose_name = _("targeting")
        verbose_name_plural = _("targetings")
        triggers: ClassVar = append_only("targeting")

    def __str__(self) -> str:
        return f"{self.run_id}"


class TargetingPart(models.Model):
    """A worker's unit of targeting: blocks of the snapshot by number, or residents read by row
    because they have changed since; packed little-endian, the other one is empty."""

    run = models.ForeignKey(Run, models.PROTECT, related_name="targeting_parts")
    number = models.PositiveIntegerField(_("number"))
    block_numbers = models.BinaryField(_("block numbers, int32"), default=bytes)
    resident_ids = models.BinaryField(_("resident ids, int64"), default=bytes)
    state = models.CharField(
        _("state"), max_length=8, choices=SHARD_STATES, default=ShardState.WAITING.value
    )
    lease_until_at = models.DateTimeField(_("leased until"), null=True, blank=True)
    fence = models.PositiveIntegerField(_("fencing token"), default=0)
    # As in `Run.audience`, of this part alone.
    counts = models.JSONField(_("counts"), default=dict)

    class Meta:
        verbose_name = _("part of a targeting")
        verbose_name_plural = _("parts of a targeting")
        ordering: ClassVar = ["run", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "number"], name="one_part_per_number"),
            models.CheckConstraint(
                condition=Q(block_numbers=b"") | Q(resident_ids=b""), name="part_of_one_kind"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["run", "number"],
                condition=~Q(state=ShardState.DONE.value),
                name="parts_left",
            )
        ]
        triggers: ClassVar = [
            *never_deleted("targeting_part"),
            only_arrows(
                "targeting_part_arrows",
                {
                    (ShardState.WAITING, ShardState.LEASED),
                    (ShardState.LEASED, ShardState.WAITING),
                    (ShardState.LEASED, ShardState.DONE),
                },
            ),
            frozen_columns(
                "targeting_part_frozen", "run_id", "number", "block_numbers", "resident_ids"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run_id}/{self.number}"


# The packed columns go as they are: megabytes that the ORM would write out as text.
INSERT_PART: Statement[Any] = Statement(
    """
    INSERT INTO vouchers_targetingpart (run_id, number, block_numbers, resident_ids, state, fence,
                                        counts)
    VALUES (%(run_id)s, %(number)s, %(block_numbers)s, %(resident_ids)s, 'waiting', 0, '{}')
    """
)


class PartResidents(NamedTuple):
    """What a part judges, one of the two empty."""

    block_numbers: NDArray[np.int32]
    resident_ids: NDArray[np.int64]


READ_PART = Statement(
    "SELECT block_numbers, resident_ids FROM vouchers_targetingpart WHERE id = %(part_id)s",
    lambda row: PartResidents(np.frombuffer(row[0], "<i4"), np.frombuffer(row[1], "<i8")),
    is_binary=True,
)
# Everyone of a run who is read by row, whose entries in blocks do not count.
READ_CHANGED = Statement(
    """
    SELECT resident_ids FROM vouchers_targetingpart
     WHERE run_id = %(run_id)s AND resident_ids <> ''
    """,
    lambda row: np.frombuffer(row[0], "<i8"),
    is_binary=True,
)
