"""A thread that, whenever it is free, takes all requests that wait and answers them as a batch.

Alone, a request is a batch of one and never waits for others. Under load, the requests that arrive
while a batch commits are the next batch, and those who were just answered may join it: a till sends
its next order within milliseconds, and a batch costs some four milliseconds however small it is. So
a lane waits for as many requests as it had before, and at most for a part of the last batch's time.
The queue is bounded: a request that would wait too long is refused at once, so that load beyond
what can be worked off costs nothing.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Final, Generic, TypeVar

from django.db import InterfaceError, OperationalError, connection

Request = TypeVar("Request")
Answer = TypeVar("Answer")
Result = TypeVar("Result")

log = logging.getLogger(__name__)

BATCH_MAX = 128
WAITING_MAX = 1_024
"""Half a second of work at 2,000 requests a second; a till that waits longer asks again anyway."""
GATHERING: Final = 0.25
"""How long a lane waits for those it has just answered, as a share of their batch's time."""
GATHERING_MAX_S: Final = 0.05
"""A batch that stood still, for a lock or a database that was gone, makes no later request wait."""
DATABASE_LOST = (OperationalError, InterfaceError)


class Lane(Generic[Request, Answer]):
    """Gathers requests of one event loop and answers them by `work`, a batch at a time.

    `work` is an ordinary synchronous service; it runs in the lane's own thread and so on Django's
    connection of that thread. When it raises, its whole batch is answered with `busy`; when the
    database was lost, with `unknown`, for the batch may have been committed. With `waiting_max`
    requests in the queue a further one is answered with `busy` and not worked on.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Sequence[Request]], Sequence[Answer]],
        *,
        busy: Answer,
        unknown: Answer,
        batch_max: int = BATCH_MAX,
        waiting_max: int = WAITING_MAX,
    ) -> None:
        self._work = work
        self._busy = busy
        self._unknown = unknown
        self._batch_max = batch_max
        self._waiting_max = waiting_max
        self._waiting: SimpleQueue[tuple[Request, asyncio.Future[Answer]]] = SimpleQueue()
        # How many besides the first the next batch is worth waiting for, for how long, and whether
        # they are there.
        self._others = 0
        self._gathering_s = 0.0
        self._are_there = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def answer(self, request: Request) -> Answer:
        """Queue the request and wait for its answer, or `busy` when the queue is full."""
        if self._waiting.qsize() >= self._waiting_max:
            return self._busy
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting.put((request, future))
        if self._waiting.qsize() >= self._others:
            self._are_there.set()
        return await future

    def _run(self) -> None:
        while True:
            batch = self._take()
            began_s = monotonic()
            answers = self._answers([request for request, _ in batch])
            self._gathering_s = min(GATHERING * (monotonic() - began_s), GATHERING_MAX_S)
            self._others = min(len(batch) + self._waiting.qsize(), self._batch_max) - 1
            futures = [future for _, future in batch]
            self._loop.call_soon_threadsafe(_deliver, futures, answers)

    def _take(self) -> list[tuple[Request, asyncio.Future[Answer]]]:
        batch = [self._waiting.get()]
        self._are_there.clear()
        if self._waiting.qsize() < self._others:
            self._are_there.wait(self._gathering_s)
        try:
            while len(batch) < self._batch_max:
                batch.append(self._waiting.get_nowait())
        except Empty:
            pass
        return batch

    def _answers(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """The answers to a batch. One that fails by a fault of the program is worked on one by one
        (requests under keys can be repeated), so that only the request to blame fails."""
        try:
            return with_connection(lambda: self._work(requests))
        except DATABASE_LOST:
            log.exception("lane lost its database")
            return [self._unknown] * len(requests)
        except Exception:
            log.exception("lane failed a batch of %d", len(requests))
            connection.close()
            if len(requests) > 1:
                return [answer for one in requests for answer in self._answers([one])]
        return [self._busy] * len(requests)


def with_connection(work: Callable[[], Result]) -> Result:
    """Do `work`, once more on a new connection where the old one turns out to be lost.

    Threads of our own need this: only a request of Django's drops broken connections by itself.
    """
    try:
        return work()
    except DATABASE_LOST:
        connection.close()
    try:
        return work()
    except DATABASE_LOST:
        connection.close()
        raise


def _deliver(futures: Sequence[asyncio.Future[Answer]], answers: Sequence[Answer]) -> None:
    for future, answer in zip(futures, answers, strict=True):
        if not future.done():  # its client has gone
            future.set_result(answer)
