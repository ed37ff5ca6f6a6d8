"""Issuing, against writing the same rows with nothing that belongs to it, and against the ORM.

Ours is the real minting: a partition opened, rows copied, indexes built, attached, the ledger
posted. Raw COPY writes the same rows, made beforehand, into a table without an index and nothing
else. `bulk_create` writes them in fives of thousands into an equally indexed table, with two legs
in the ledger for each voucher.
"""

import time
from datetime import UTC, datetime
from typing import ClassVar, NamedTuple

import numpy as np
from django.db import connection, connections, models, transaction
from psycopg import sql

from tests.benchmarks.city import City, mint_next
from vouchers.models import Leg, Transfer
from vouchers.models.ledger.transfers import NEXT_TRANSFER_IDS
from vouchers.services.ledger.transfers import account_ids
from vouchers.sql.copying import HEADER, TRAILER, binary_rows
from vouchers.sql.pipeline import raw_connection
from vouchers.states import AccountKind, Cause, TransferReason

COPIED = 100_000
BULK = 5_000
BULKS = 2
TABLE = "bench_voucher"
COLUMNS = "id, resident_id, allocation_id, bucket, state"
DTYPES = (np.int64, np.int64, np.int64, np.int16, np.int16)
COPY = f"COPY {TABLE} ({COLUMNS}) FROM STDIN (FORMAT BINARY)"
MAKE = f"""
DROP TABLE IF EXISTS {TABLE};
CREATE TABLE {TABLE} (LIKE vouchers_voucher INCLUDING DEFAULTS) WITH (fillfactor = 85);
"""
INDEX = f"""
ALTER TABLE {TABLE} ADD PRIMARY KEY (id, bucket);
CREATE INDEX ON {TABLE} (resident_id);
"""


class PlainVoucher(models.Model):
    """A voucher in the benchmark's own table."""

    id = models.BigIntegerField(primary_key=True)
    resident_id = models.BigIntegerField()
    allocation_id = models.BigIntegerField()
    bucket = models.SmallIntegerField()
    state = models.SmallIntegerField()

    objects: ClassVar[models.Manager["PlainVoucher"]] = models.Manager()

    class Meta:
        app_label = "benchmarks"
        managed = False
        db_table = TABLE

    def __str__(self) -> str:
        return str(self.pk)


class Rates(NamedTuple):
    """Vouchers a second of one round, the three after each other."""

    minting: float
    raw_copy: float
    bulk_create: float


def measure(city: City) -> Rates:
    """One round; takes one of the shards left to mint."""
    vouchers, seconds = mint_next()
    return Rates(vouchers / seconds, raw_copy_per_s(), bulk_create_per_s(city))


def raw_copy_per_s() -> float:
    """Vouchers a second by COPY into a table without an index, one commit."""
    rows = _some_rows(COPIED)
    count = len(rows)
    columns = [np.array(c, dtype) for c, dtype in zip(zip(*rows, strict=True), DTYPES, strict=True)]
    data = HEADER + binary_rows(columns) + TRAILER
    _make_table(MAKE)
    started_s = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(COPY) as copy:
        copy.write(data)
    return count / (time.perf_counter() - started_s)


def bulk_create_per_s(city: City) -> float:
    """Vouchers a second by `bulk_create`, indexes and two legs each included."""
    vouchers = [PlainVoucher(*row) for row in _some_rows(BULK * BULKS)]
    _make_table(MAKE + INDEX)
    accounts = account_ids(city.campaign.pk)
    source_id = min(source_id for source_id, _ in accounts)
    origin = accounts[source_id, AccountKind.RESERVED]
    target = accounts[source_id, AccountKind.OUTSTANDING]
    started_s = time.perf_counter()
    for start in range(0, len(vouchers), BULK):
        with transaction.atomic():
            some = vouchers[start : start + BULK]
            PlainVoucher.objects.bulk_create(some)
            _post_legs(city, some, origin, target)
    return len(vouchers) / (time.perf_counter() - started_s)


def _post_legs(city: City, vouchers: list[PlainVoucher], origin: int, target: int) -> None:
    (transfer_id,) = NEXT_TRANSFER_IDS.send(raw_connection(), {"count": 1}).rows()
    at = datetime.now(UTC)
    Transfer.objects.create(
        id=transfer_id,
        at=at,
        campaign=city.campaign,
        reason=TransferReason.MINT.value,
        cause=Cause.SHARD.value,
        cause_id=transfer_id,
    )
    moves = [
        (account_id, voucher.allocation_id, sign)
        for voucher in vouchers
        for account_id, sign in ((origin, -1), (target, 1))
    ]
    Leg.objects.bulk_create(
        Leg(
            transfer_id=transfer_id,
            line_no=number,
            at=at,
            account_id=account_id,
            allocation_id=allocation_id,
            amount_fen=sign * 100,
        )
        for number, (account_id, allocation_id, sign) in enumerate(moves, 1)
    )


def _some_rows(count: int) -> list[tuple[int, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS} FROM vouchers_voucher LIMIT %s", [count])
        rows: list[tuple[int, ...]] = cursor.fetchall()
    return rows


def _make_table(text: str) -> None:
    grant = sql.SQL("GRANT SELECT, INSERT ON {} TO {}").format(
        sql.Identifier(TABLE), sql.Identifier(connections.settings["default"]["USER"])
    )
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute(text)
        cursor.execute(grant)
