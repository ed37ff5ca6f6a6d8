"""Statements: lists arrive as PostgreSQL arrays, and every execution is the same prepared one."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from vouchers.sql.arrays import PACK
from vouchers.sql.pipeline import raw_connection
from vouchers.sql.statements import ByIds, Statement

pytestmark = pytest.mark.django_db

YEAR_1900, YEAR_9999 = datetime(1900, 1, 1), datetime(9999, 1, 1)  # noqa: DTZ001  # zone added

ITEMS: dict[str, st.SearchStrategy[Any]] = {
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "int": st.integers(-(2**31), 2**31 - 1),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "float8": st.floats(allow_nan=False),
    "date": st.dates(date(1900, 1, 1), date(9999, 12, 31)),
    "timestamptz": st.integers(-(10**16), 10**17).map(
        lambda us: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
    ),
    "text": st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    "bytea": st.binary(),
}
IDENTITY = {item: Statement(f"SELECT %(values)s::{item}[]", lambda row: row[0]) for item in ITEMS}
COUNT_IDS = ByIds(
    "SELECT count(*) FROM vouchers_voucher WHERE id IN %(ids)s AND state <> %(state)s::smallint",
    "ids",
    lambda row: int(row[0]),
)


def runs_of(text: str) -> list[int]:
    """Executions of every statement prepared on this connection that contains `text`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans + custom_plans FROM pg_prepared_statements"
            " WHERE strpos(statement, %s) > 0 AND strpos(statement, 'pg_prepared') = 0",
            [text],
        )
        return [runs for (runs,) in cursor.fetchall()]


def test_every_type_that_is_packed_is_tried() -> None:
    assert ITEMS.keys() == PACK.keys()


@pytest.mark.parametrize("item", ITEMS)
@given(data=st.data())
def test_a_list_arrives_as_it_was_given(item: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.none() | ITEMS[item], max_size=20))
    (arrived,) = IDENTITY[item].send(raw_connection(), {"values": values}).rows()
    assert arrived == values


def test_no_list_at_all_is_null() -> None:
    assert IDENTITY["bigint"].send(raw_connection(), {"values": None}).rows() == [None]


def test_a_per_cent_sign_and_a_repeated_name_are_what_they_were() -> None:
    statement: Statement[Any] = Statement("SELECT 7 %% %(n)s::int, %(n)s::int, %(m)s::int")
    assert statement.send(raw_connection(), {"m": 2, "n": 5}).rows() == [(2, 5, 2)]


def test_whatever_the_values_one_statement_is_prepared() -> None:
    statement: Statement[Any] = Statement("SELECT %(once)s::bigint[] AS once")
    for values in ([1], [2**40, None], [], [3] * 100, None):
        statement.send(raw_connection(), {"once": values}).rows()
    assert runs_of("AS once") == [5]


@pytest.mark.parametrize("count", [0, 1, 8, 9, 500, 512])
def test_ids_of_any_number_up_to_512_are_asked_for(count: int) -> None:
    asked = {"ids": list(range(2**40, 2**40 + count)), "state": 9}
    assert COUNT_IDS.send(raw_connection(), asked).rows() == [0]
