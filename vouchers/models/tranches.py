"""A tranche's own table: opened unseen, filled by COPY, attached; and counted when it expires."""

from typing import Final, NamedTuple

from vouchers.models.distribution import SERIAL_BITS
from vouchers.models.statements import Statement
from vouchers.states import VoucherState

OPEN_TRANCHE = Statement(
    "SELECT huimin_open_tranche(%(tranche_id)s::bigint)", lambda row: str(row[0])
)
ATTACH_TRANCHE = Statement("SELECT huimin_attach_tranche(%(tranche_id)s::bigint)", lambda row: None)
WRITE_VOUCHERS: Final = (
    "COPY {table} (id, resident_id, allocation_id, bucket, state) FROM STDIN (FORMAT BINARY)"
)


class UnspentRow(NamedTuple):
    """How many vouchers of an allocation nobody has begun to use."""

    allocation_id: int
    vouchers: int


# By the range of ids, so that only the tranche's partition is read.
COUNT_UNSPENT = Statement(
    f"""
    SELECT allocation_id, count(*)
      FROM vouchers_voucher
     WHERE id >= %(tranche_id)s::bigint << {SERIAL_BITS}
       AND id < (%(tranche_id)s::bigint + 1) << {SERIAL_BITS}
       AND state = {VoucherState.ISSUED.value}
     GROUP BY allocation_id
     ORDER BY allocation_id
    """,
    UnspentRow._make,
)
OPEN_MONTH = Statement("SELECT huimin_open_month(%(month)s::date)", lambda row: None)
