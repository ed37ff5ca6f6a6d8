"""The columns that decide a partition are keys: each is in every unique index of its table.

Otherwise two rows in two partitions could be one voucher's redemption, one store's order or one
caller's request.
"""

import pytest
from django.db import connection

from vouchers.models.redemption.requests import FIND_KEYS
from vouchers.sql.pipeline import raw_connection

pytestmark = pytest.mark.django_db

# As the documents on size and growth have it.
KEYS = {
    "vouchers_attempt": ("range", "at"),
    "vouchers_leg": ("range", "at"),
    "vouchers_orderclaim": ("hash", "store_id"),
    "vouchers_redemption": ("hash", "voucher_id"),
    "vouchers_requestrecord": ("hash", "caller_id"),
    "vouchers_transfer": ("range", "at"),
    "vouchers_voucher": ("range", "id"),
}
# Which rows of those tables must not be there twice, whatever partition they are in.
UNIQUE = {
    "vouchers_attempt": {("id", "at")},
    "vouchers_leg": {("transfer_id", "line_no", "at")},
    "vouchers_orderclaim": {("store_id", "order_no")},
    "vouchers_redemption": {("id", "voucher_id"), ("voucher_id",)},
    "vouchers_requestrecord": {("caller_id", "key")},
    "vouchers_transfer": {("id", "at")},
    "vouchers_voucher": {("id", "bucket")},
}


def unique_indexes(table: str) -> set[tuple[str, ...]]:
    """The columns of every unique index of a table, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT array_agg(a.attname::text ORDER BY place)
                      FROM unnest(i.indkey) WITH ORDINALITY AS part(number, place)
                      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = part.number)
              FROM pg_index i
             WHERE i.indrelid = %s::regclass AND i.indisunique AND i.indisvalid
            """,
            [table],
        )
        return {tuple(columns) for (columns,) in cursor.fetchall()}


def test_tables_are_partitioned_by_what_the_documents_say() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname, CASE p.partstrat WHEN 'h' THEN 'hash' WHEN 'r' THEN 'range' END,
                   a.attname
              FROM pg_partitioned_table p
              JOIN pg_class c ON c.oid = p.partrelid
              JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (p.partattrs::int[])
            """
        )
        found = {table: (strategy, column) for table, strategy, column in cursor.fetchall()}
    assert found == KEYS


@pytest.mark.parametrize("table", KEYS)
def test_the_key_is_in_every_unique_index(table: str) -> None:
    _, column = KEYS[table]
    indexes = unique_indexes(table)
    assert indexes == UNIQUE[table]
    assert all(column in columns for columns in indexes)


def test_whatever_names_a_redemption_names_its_voucher() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
             WHERE a.attname = 'redemption_id' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
               AND NOT EXISTS (SELECT FROM pg_attribute v
                                WHERE v.attrelid = c.oid AND v.attname = 'voucher_id')
            """
        )
        assert cursor.fetchall() == []


def test_money_refers_to_a_redemption_by_both_columns() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
             WHERE confrelid = 'vouchers_redemption'::regclass AND conparentid = 0
            """
        )
        found = dict(cursor.fetchall())
    both = "FOREIGN KEY (redemption_id, voucher_id) REFERENCES vouchers_redemption(id, voucher_id)"
    assert found == dict.fromkeys(
        ("vouchers_hold", "vouchers_refund", "vouchers_settlementline"), both
    )


@pytest.mark.parametrize(
    ("query", "partitions"),
    [
        ("SELECT FROM vouchers_redemption WHERE id = 1 AND voucher_id = 1048576", 1),
        ("SELECT FROM vouchers_redemption WHERE id = 1", 16),
        ("SELECT FROM vouchers_orderclaim WHERE store_id = 1 AND order_no = 'A-1'", 1),
        ("SELECT FROM vouchers_requestrecord WHERE caller_id = 1 AND key = 'k'", 1),
    ],
)
def test_a_whole_reference_reads_one_partition_by_its_index(query: str, partitions: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = 'auto'")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {query}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan" not in plan
    assert plan.count("Index") >= partitions
    assert plan.count(" using vouchers_") == partitions


def test_a_batch_of_requests_executes_only_their_partitions() -> None:
    """The partitions that no request of a batch falls into are left out while it runs."""
    text = FIND_KEYS.text % {
        "caller_ids": "ARRAY[1, 1]",
        "keys": "ARRAY['a', 'b']",
    }
    with raw_connection().cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF) {text}")
        plan = [line for (line,) in cursor.fetchall()]
    scans = [line for line in plan if " on vouchers_requestrecord_p" in line]
    assert len(scans) == 8
    assert sum("never executed" in line for line in scans) == 7
