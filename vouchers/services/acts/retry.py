"""The one retry policy: a lost race is run again, a batch then in halves, then item by item."""

import logging
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

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
    item that loses `SINGLE_TRIES` races has the result `otherwise`. Any other error is raised.
    """
    tries = BATCH_TRIES if len(items) > 1 else SINGLE_TRIES
    return _run(items, work, otherwise, tries) if items else []


def _run(
    items: Sequence[Item],
    work: Callable[[Sequence[Item]], Sequence[Result]],
    otherwise: Result,
    tries: int,
) -> list[Result]:
    for _ in range(tries):
        try:
            with transaction.atomic():
                return list(work(items))
        except (IntegrityError, OperationalError) as error:
            if getattr(error.__cause__, "sqlstate", None) not in RACES:
                raise
            log.info("lost a race with %d items: %s", len(items), error)
    if len(items) == 1:
        log.warning("lost %d races, giving up", tries)
        return [otherwise]
    middle = len(items) // 2
    return [
        result
        for half in (items[:middle], items[middle:])
        for result in _run(half, work, otherwise, SINGLE_TRIES if len(half) == 1 else 1)
    ]
