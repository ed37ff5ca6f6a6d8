"""The lane: whatever waits goes together, and one bad request never fails its neighbours."""

import asyncio
import threading
from collections.abc import Sequence
from time import monotonic, sleep

import pytest
from django.db import InterfaceError, OperationalError

from vouchers.express.lane import Lane, with_connection

POISON = 13
BUSY, UNKNOWN = -1, -2
PATIENCE_S = 10
BATCH_S = 0.2
PAUSE_S = 0.005


def answered(lane_work, requests: Sequence[int], batch_max: int = 128) -> list[int]:  # type: ignore[no-untyped-def]
    """Send all requests in one moment of the loop."""

    async def send() -> list[int]:
        lane: Lane[int, int] = Lane(
            "test-lane", lane_work, busy=BUSY, unknown=UNKNOWN, batch_max=batch_max
        )
        return await asyncio.gather(*(lane.answer(request) for request in requests))

    return asyncio.run(send())


def test_answers_go_to_those_who_asked() -> None:
    assert answered(lambda batch: [2 * it for it in batch], range(300)) == [
        2 * it for it in range(300)
    ]


def test_what_arrives_while_a_batch_is_worked_on_is_the_next_batch() -> None:
    sizes: list[int] = []

    def work(batch: Sequence[int]) -> Sequence[int]:
        sizes.append(len(batch))
        return batch

    answered(work, range(100), batch_max=32)
    assert sum(sizes) == 100
    assert max(sizes) <= 32
    assert len(sizes) < 100


def batches_of(*clients: Sequence[int]) -> list[list[int]]:
    """The batches in which the requests of some clients are worked on. Each sends its next when the
    last is answered: the first client at once, those after it a little later than those before."""
    batches: list[list[int]] = []

    def work(batch: Sequence[int]) -> Sequence[int]:
        batches.append(sorted(batch))
        sleep(BATCH_S)
        return batch

    async def send() -> None:
        lane: Lane[int, int] = Lane("test-lane", work, busy=BUSY, unknown=UNKNOWN)

        async def client(requests: Sequence[int], pause_s: float) -> None:
            for request in requests:
                await lane.answer(request)
                await asyncio.sleep(pause_s)

        await asyncio.gather(*(client(each, n * PAUSE_S) for n, each in enumerate(clients)))

    asyncio.run(send())
    return batches


def test_those_who_were_just_answered_join_the_next_batch() -> None:
    batches = batches_of([1, 2, 3, 4], [11, 12, 13, 14])
    assert [len(batch) for batch in batches[1:3]] == [2, 2]


def test_no_request_waits_for_those_of_a_batch_that_stood_still() -> None:

    def work(batch: Sequence[int]) -> Sequence[int]:
        if len(batch) > 1:
            sleep(6 * BATCH_S)
        return batch

    async def send() -> float:
        lane: Lane[int, int] = Lane("test-lane", work, busy=BUSY, unknown=UNKNOWN)
        await asyncio.gather(*map(lane.answer, range(3)))
        began_s = monotonic()
        await lane.answer(3)
        return monotonic() - began_s

    assert asyncio.run(send()) < BATCH_S


def test_one_that_does_not_ask_again_is_not_waited_for_in_vain() -> None:
    assert batches_of([1, 2, 3, 4, 5], [11])[-3:] == [[3], [4], [5]]


def test_of_a_batch_that_fails_only_the_request_to_blame_is_in_trouble() -> None:
    def work(batch: Sequence[int]) -> Sequence[int]:
        if POISON in batch:
            raise KeyError(POISON)
        return batch

    assert answered(work, range(20)) == [BUSY if it == POISON else it for it in range(20)]


@pytest.mark.parametrize("lost", [OperationalError, InterfaceError])
def test_a_lost_database_is_tried_once_more_then_the_outcome_is_unknown(
    lost: type[Exception],
) -> None:
    tries: list[int] = []

    def work(batch: Sequence[int]) -> Sequence[int]:
        tries.append(len(batch))
        if len(tries) == 1 or 7 in batch:
            raise lost("gone")
        return batch

    assert answered(work, [1]) == [1]
    assert answered(work, [7]) == [UNKNOWN]
    assert len(tries) == 4


def test_work_is_not_repeated_for_any_other_error() -> None:
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        with_connection(work)
    assert tries == [1]


def test_a_client_that_has_gone_is_not_waited_for() -> None:
    begun, free = threading.Event(), threading.Event()

    def work(batch: Sequence[int]) -> Sequence[int]:
        begun.set()
        free.wait(PATIENCE_S)
        return batch

    async def send() -> int:
        lane: Lane[int, int] = Lane("test-lane", work, busy=BUSY, unknown=UNKNOWN)
        gone = asyncio.ensure_future(lane.answer(1))
        assert await asyncio.to_thread(begun.wait, PATIENCE_S)
        stays = asyncio.ensure_future(lane.answer(2))
        gone.cancel()
        await asyncio.sleep(0)
        free.set()
        return await stays

    assert asyncio.run(send()) == 2


def test_beyond_a_full_queue_a_request_is_refused_at_once_and_never_worked_on() -> None:
    begun, free, worked_on = threading.Event(), threading.Event(), list[int]()

    def work(batch: Sequence[int]) -> Sequence[int]:
        begun.set()
        free.wait(PATIENCE_S)
        worked_on.extend(batch)
        return batch

    async def send() -> list[int]:
        lane: Lane[int, int] = Lane(
            "test-lane", work, busy=BUSY, unknown=UNKNOWN, batch_max=1, waiting_max=3
        )
        waiting = [asyncio.ensure_future(lane.answer(0))]
        assert await asyncio.to_thread(begun.wait, PATIENCE_S)
        waiting += [asyncio.ensure_future(lane.answer(number)) for number in range(1, 6)]
        await asyncio.sleep(0)
        free.set()
        return await asyncio.gather(*waiting)

    assert asyncio.run(send()) == [0, 1, 2, 3, BUSY, BUSY]
    assert worked_on == [0, 1, 2, 3]
