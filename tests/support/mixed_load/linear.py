"""Whether acts that overlapped have an order in which one after the other explains every answer.

Wing and Gong's search with Lowe's memory: of the acts that no other must precede, one after the
other is tried as the next; what has been tried with the same acts done and the same state is not
tried again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Timed(Protocol):
    """An act from its first sending to its answer."""

    @property
    def began_s(self) -> float: ...

    @property
    def ended_s(self) -> float: ...


ActT = TypeVar("ActT", bound=Timed)
StateT = TypeVar("StateT")


@dataclass(frozen=True, slots=True)
class Found(Generic[ActT]):
    """An order of all acts; or, where there is none, the longest beginning of one, and the acts of
    which none can come next (empty where only the end was wrong)."""

    is_whole: bool
    order: Sequence[ActT]
    stuck: Sequence[ActT] = ()


def an_order(
    acts: Sequence[ActT],
    start: StateT,
    *,
    step: Callable[[StateT, ActT], StateT | None],
    is_end: Callable[[StateT], bool],
) -> Found[ActT]:
    """An order of all acts that keeps to real time: what was answered before another was asked
    comes before it. `step` gives the state after an act, None where the act could not have been
    answered so; states are hashable. `is_end` says whether the acts may leave it so.
    """
    known = sorted(acts, key=lambda act: act.began_s)
    everything = (1 << len(known)) - 1
    tried: set[tuple[int, StateT]] = set()
    # Acts done as bits, the state they left, and those that may be next.
    path: list[tuple[int, StateT, Iterator[int]]] = [(0, start, _next(known, 0))]
    order: list[int] = []
    best: list[int] = []
    while path:
        done, state, choices = path[-1]
        if done == everything and is_end(state):
            return Found(True, [known[number] for number in order])
        for number in choices:
            after = step(state, known[number])
            seen = (done | 1 << number, after)
            if after is not None and seen not in tried:
                tried.add((seen[0], after))
                path.append((seen[0], after, _next(known, seen[0])))
                order.append(number)
                best = max(best, list(order), key=len)
                break
        else:
            path.pop()
            if order:
                order.pop()
    stuck = _next(known, sum(1 << number for number in best))
    return Found(False, [known[number] for number in best], [known[number] for number in stuck])


def _next(known: Sequence[ActT], done: int) -> Iterator[int]:
    """Numbers of the acts that no act still to be done precedes, the first answered first."""
    least_s, open_ = float("inf"), []
    for number in range(_first_open(done), len(known)):
        if done >> number & 1:
            continue
        if known[number].began_s > least_s:
            break
        open_.append(number)
        least_s = min(least_s, known[number].ended_s)
    return iter(sorted(open_, key=lambda number: known[number].ended_s))


def _first_open(done: int) -> int:
    """The lowest bit that is not set."""
    return (~done & done + 1).bit_length() - 1
