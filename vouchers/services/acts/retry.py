"""The one retry policy: a lost race is run again, a batch then in halves, then item by item."""

import logging
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import psycopg
from django.db import IntegrityError, OperationalError, transaction

Item = TypeVar("Item")
Result = TypeVar("Result")

log = logging.getLogger(__name__)

BATCH_TRIES: Final = 2
SINGLE_TRIES: Final = 3
# Serialisation failure, deadlock, unique violation, check violation: another transaction committed
# first, and facts read again show it.
RACES: Final = frozenset({"40001", "40P01", "23505", "23514"})


def in_one_transaction(
    items: Sequence[Item],
    work: Callable[[Sequence[Item]], Sequence[Result]],
    *,
    otherwise: Result,
) -> list[Result]:
    """The results of `work`, called on all items inside one transaction.

    A batch that loses a race twice is split in halves, each in a transaction of its own; a single
    item that loses `SINGLE_TRIES` races has the result `otherwise`, so that it fails none of its
    neighbours. Any other error is raised.
    """
    tries = BATCH_TRIES if len(items) > 1 else SINGLE_TRIES
    return _run(items, work, otherwise, tries) if items else []


def _run(
    items: Sequence[Item],
    work: Callable[[Sequence[Item]], Sequence[Result]],
    otherwise: Result,
    tries: int,
) -> list[Result]:
    lost: list[Exception] = []
    for _ in range(tries):
        try:
            with transaction.atomic():
                return list(work(items))
        except (IntegrityError, OperationalError) as error:
            if getattr(error.__cause__, "sqlstate", None) not in RACES:
                raise
            lost.append(error)
            log.info("lost a race with %d items: %s", len(items), _said(error))
    if len(items) == 1:
        _give_up(lost)
        return [otherwise]
    middle = len(items) // 2
    return [
        result
        for half in (items[:middle], items[middle:])
        for result in _run(half, work, otherwise, SINGLE_TRIES if len(half) == 1 else 1)
    ]


def _give_up(lost: Sequence[Exception]) -> None:
    """Log why. A constraint that was violated by every attempt is no race but a fault: facts read
    again did not show the rules what the database refuses."""
    last, violated = lost[-1], {_violated(error) for error in lost}
    constraint = violated.pop() if len(violated) == 1 else None
    if constraint is None:
        log.warning("lost %d races, giving up: %s", len(lost), _said(last))
    else:
        bare = type(last)(_said(last)).with_traceback(last.__traceback__)
        log.error("every one of %d attempts violated %s", len(lost), constraint, exc_info=bare)


def _violated(error: Exception) -> str | None:
    """The name of the violated constraint; the kind of violation where it has none."""
    cause = error.__cause__
    if not isinstance(cause, psycopg.IntegrityError):
        return None
    return cause.diag.constraint_name or type(cause).__name__


def _said(error: Exception) -> str:
    """The database's message without its detail, which quotes rows."""
    cause = error.__cause__
    said = cause.diag.message_primary if isinstance(cause, psycopg.Error) else None
    return said or type(cause).__name__
