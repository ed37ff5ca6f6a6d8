"""Sweeps: what is due is seen to item by item, and one that fails keeps none of the others."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog

log = structlog.get_logger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")


def for_each(items: Iterable[Item], act: Callable[[Item], Result]) -> list[Result]:
    """The results of `act`, which is called on every item as it comes and makes a transaction of
    its own.

    Whatever it raised is raised at the end, as one `ExceptionGroup`.
    """
    results: list[Result] = []
    failures: list[Exception] = []
    for item in items:
        try:
            results.append(act(item))
        except Exception as failure:
            log.exception("item_failed")
            failures.append(failure)
    if failures:
        raise ExceptionGroup(f"{len(failures)} of {len(failures) + len(results)} failed", failures)
    return results
