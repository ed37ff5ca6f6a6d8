"""The voucher: partitioned by tranche, minted without an index, addressed by one bigint."""

from typing import Any, ClassVar, NamedTuple

from django.db import models
from django.utils.translation import gettext_lazy as _

from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.models.ledger.quotas import Allocation
from vouchers.models.residents.residents import Resident
from vouchers.sql.statements import ByIds
from vouchers.sql.triggers import frozen_columns, never_deleted, only_arrows
from vouchers.states import VOUCHER_ARROWS, VoucherState

VOUCHER_STATES = [
    (VoucherState.ISSUED.value, _("issued")),
    (VoucherState.AUTHORISED.value, _("authorised")),
    (VoucherState.REDEEMED.value, _("redeemed")),
    (VoucherState.WITHDRAWN.value, _("withdrawn")),
]


class Voucher(models.Model):
    """One voucher (券). Its id is tranche × 2²⁰ + serial; its terms are the tranche's.

    The table is created by SQL in the migrations: RANGE partitions by id, one per tranche, primary
    key (id, bucket). No foreign key points in or out (ATTACH would lock the tables it names); the
    audit checks them. `state` has no index, so that redeeming stays a HOT update.
    """

    id = models.BigIntegerField(primary_key=True)
    bucket = models.SmallIntegerField(_("bucket"))
    resident = models.ForeignKey(
        Resident, models.DO_NOTHING, related_name="vouchers", db_constraint=False
    )
    allocation = models.ForeignKey(
        Allocation, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    state = models.SmallIntegerField(_("state"), choices=VOUCHER_STATES)

    class Meta:
        verbose_name = _("voucher")
        verbose_name_plural = _("vouchers")
        triggers: ClassVar = [
            *never_deleted("voucher"),
            only_arrows("voucher_arrows", VOUCHER_ARROWS),
            frozen_columns(
                "voucher_identity_frozen", "id", "bucket", "resident_id", "allocation_id"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tranche_id:06d}-{self.serial:06d}"

    @property
    def tranche_id(self) -> int:
        """The tranche this voucher was minted in."""
        return self.id >> SERIAL_BITS

    @property
    def serial(self) -> int:
        """Its place in the tranche, from 0."""
        return self.id & ((1 << SERIAL_BITS) - 1)


class LockedVoucher(NamedTuple):
    """A voucher row as locked for a decision."""

    id: int
    bucket: int
    resident_id: int
    allocation_id: int
    state: int


# Lock by id alone and judge the state in Python: a predicate on state would drop rows silently, and
# a join would show the locked row beside an older version of the joined one.
LOCK_VOUCHERS = ByIds(
    """
    SELECT id, bucket, resident_id, allocation_id, state
      FROM vouchers_voucher WHERE id IN %(voucher_ids)s
     ORDER BY id
       FOR NO KEY UPDATE
    """,
    "voucher_ids",
    LockedVoucher._make,
)
# For a quote, which promises nothing.
READ_VOUCHERS = ByIds(
    """
    SELECT id, bucket, resident_id, allocation_id, state
      FROM vouchers_voucher WHERE id IN %(voucher_ids)s
    """,
    "voucher_ids",
    LockedVoucher._make,
)

MOVE_VOUCHERS: ByIds[Any] = ByIds(
    "UPDATE vouchers_voucher SET state = %(state)s::smallint WHERE id IN %(voucher_ids)s",
    "voucher_ids",
)
