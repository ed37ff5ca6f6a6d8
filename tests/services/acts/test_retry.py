"""Lost races: a batch is run again, then in halves, then item by item, each in one transaction."""

import logging
from collections.abc import Sequence

import psycopg
import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, transaction

from vouchers.services.acts import in_one_transaction
from vouchers.services.acts.retry import SINGLE_TRIES

pytestmark = pytest.mark.django_db(transaction=True)

BUSY = -1


def lost(cause: type[psycopg.Error] = psycopg.errors.DeadlockDetected) -> Exception:
    """An error of the database as Django raises it."""
    is_integrity = issubclass(cause, psycopg.IntegrityError)
    error: Exception = IntegrityError() if is_integrity else OperationalError()
    error.__cause__ = cause()
    return error


class Work:
    """Doubles numbers; loses a race for every batch with a poisoned one, and notes the batches."""

    def __init__(self, *poisoned: int, error: Exception | None = None) -> None:
        self.poisoned, self.error = poisoned, error or lost()
        self.batches: list[list[int]] = []

    def __call__(self, items: Sequence[int]) -> list[int]:
        assert transaction.get_connection().in_atomic_block
        self.batches.append(list(items))
        if set(items).intersection(self.poisoned):
            raise self.error
        return [2 * item for item in items]


def test_what_loses_no_race_is_done_once() -> None:
    work = Work()
    assert in_one_transaction([1, 2, 3], work, otherwise=BUSY) == [2, 4, 6]
    assert work.batches == [[1, 2, 3]]


def test_nothing_is_nothing() -> None:
    work = Work()
    assert in_one_transaction([], work, otherwise=BUSY) == []
    assert work.batches == []


def test_only_the_item_that_always_loses_is_given_up() -> None:
    work = Work(3)
    assert in_one_transaction([1, 2, 3, 4], work, otherwise=BUSY) == [2, 4, BUSY, 8]
    assert work.batches == [[1, 2, 3, 4]] * 2 + [[1, 2], [3, 4]] + [[3]] * SINGLE_TRIES + [[4]]


def test_a_single_item_is_a_batch_of_one() -> None:
    work = Work(7)
    assert in_one_transaction([7], work, otherwise=BUSY) == [BUSY]
    assert work.batches == [[7]] * SINGLE_TRIES


@pytest.mark.parametrize(
    "cause",
    [
        psycopg.errors.SerializationFailure,
        psycopg.errors.DeadlockDetected,
        psycopg.errors.UniqueViolation,
        psycopg.errors.CheckViolation,
    ],
)
def test_these_errors_are_races(cause: type[psycopg.Error]) -> None:
    work = Work(1, error=lost(cause))
    assert in_one_transaction([1], work, otherwise=BUSY) == [BUSY]


def violating(constraint: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DO $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = 'check_violation',"
            f" CONSTRAINT = '{constraint}', DETAIL = 'a row'; END $$"
        )


def given_up(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    found = [record for record in caplog.records if record.levelno > logging.INFO]
    return [(record.levelno, record.getMessage()) for record in found]


def test_a_constraint_violated_by_every_attempt_is_logged_as_the_fault_it_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def work(items: Sequence[int]) -> list[int]:
        if 2 in items:
            violating("never_two")
        return list(items)

    assert in_one_transaction([1, 2, 3], work, otherwise=BUSY) == [1, BUSY, 3]
    said = f"every one of {SINGLE_TRIES} attempts violated never_two"
    assert given_up(caplog) == [(logging.ERROR, said)]
    assert "in violating" in caplog.text
    assert "a row" not in caplog.text


def test_races_lost_for_different_reasons_are_logged_with_the_last(
    caplog: pytest.LogCaptureFixture,
) -> None:
    names = iter(["first", "second", "third"])

    def work(items: Sequence[int]) -> list[int]:
        violating(next(names))
        return list(items)

    assert in_one_transaction([1], work, otherwise=BUSY) == [BUSY]
    ((level, said),) = given_up(caplog)
    assert (level, said.startswith("lost 3 races, giving up: refused")) == (logging.WARNING, True)


@pytest.mark.parametrize("error", [OperationalError("gone"), DataError("too long"), KeyError("x")])
def test_any_other_error_is_raised_at_once(error: Exception) -> None:
    work = Work(1, error=error)
    with pytest.raises(type(error)):
        in_one_transaction([1, 2], work, otherwise=BUSY)
    assert len(work.batches) == 1
