"""A tranche's table is counted when no session can add to it any more."""

from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

import psycopg
import pytest
from django.db import IntegrityError, connection, connections, transaction

from tests.support import cast
from tests.support.till import issue_vouchers
from vouchers.models import Shard, Tranche, Voucher

pytestmark = pytest.mark.django_db(transaction=True)

TRANCHE = 900_000  # no test mints so many
FIRST = TRANCHE << 20
PATIENCE_S = 20
ROW = (
    f"INSERT INTO vouchers_voucher_t{TRANCHE:06d} (id, bucket, resident_id, allocation_id, state)"
    " VALUES (%s, 0, 1, 1, 1)"
)


def attach() -> None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT huimin_attach_tranche(%s)", [TRANCHE])
    finally:
        connection.close()


def a_session_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = to_regclass(%s))",
            [f"vouchers_voucher_t{TRANCHE:06d}"],
        )
        return bool(cursor.fetchone()[0])


def test_a_voucher_slipped_in_while_the_table_is_attached_is_counted() -> None:
    """One session adds a voucher that is not paid for and commits once the other has counted."""
    issue_vouchers(cast.running_campaign(), [cast.alice()])
    tranche, shard = Tranche.objects.get(), Shard.objects.get()
    shard.pk, shard.number = None, shard.number + 1
    tranche.pk, tranche.shard = TRANCHE, shard
    with transaction.atomic(), connection.cursor() as cursor:
        shard.save(force_insert=True)
        tranche.save(force_insert=True)
        cursor.execute("SELECT huimin_open_tranche(%s)", [TRANCHE])
        cursor.execute(ROW, [FIRST])
    given = connections["default"].get_connection_params()
    given.pop("cursor_factory", None)
    given.pop("context", None)
    with psycopg.connect(**given) as hostile, ThreadPoolExecutor(1) as pool:
        hostile.execute(ROW.encode(), [FIRST + 1])
        attached = pool.submit(attach)
        deadline = monotonic() + PATIENCE_S
        while not a_session_waits() and monotonic() < deadline:
            sleep(0.01)
        hostile.commit()
        with pytest.raises(IntegrityError, match="does not hold the 1 vouchers"):
            attached.result(PATIENCE_S)
    assert not Voucher.objects.filter(pk__gte=FIRST).exists()
