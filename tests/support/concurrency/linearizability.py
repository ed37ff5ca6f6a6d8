"""Puts the answers of concurrent clients in one order that the pure model repeats, act by act."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from tests.support.concurrency.client_acts import YES, Act, ReadsFirst, Said
from tests.support.concurrency.history import Order, Report
from tests.support.reference_model import LIMITS, Model


class NotLinear(AssertionError):
    """No order explains the answers."""


def linearise(model: Model, reports: Sequence[Report[Act]]) -> list[Report[Act]]:
    """Repeat everything in the order of its commits; raises NotLinear. Leaves the model as the
    last of them left it."""
    order: Order[Act] = Order()
    happened = order.in_order([one for one in reports if one.code == YES])
    open_ = [(one, order.window(one, happened)) for one in reports if one.code != YES]
    # Of a refusal with figures too: nothing was there that it should have seen.
    saw_nothing = {
        id(one): Look(one, span[0])
        for one, span in open_
        if one.figures and isinstance(one.act, ReadsFirst)
    }
    looks = {
        index: Look(one, order.window(one, happened)[0])
        for index, one in enumerate(happened)
        if isinstance(one.act, ReadsFirst)
    }
    for place in range(len(happened) + 1):
        open_ = [(one, span) for one, span in open_ if not (place in span and is_true(one, model))]
        for one, span in open_:
            if place in span and id(one) in saw_nothing:
                saw_nothing[id(one)].at(model)
        contradicted = [
            one
            for one, span in open_
            if span[-1] == place and (id(one) not in saw_nothing or saw_nothing[id(one)].never_seen)
        ]
        if contradicted:
            raise NotLinear(
                f"never true while it was asked: {contradicted[0].act} → {contradicted[0].code}"
            )
        for index, look in looks.items():
            if look.since <= place <= index:
                look.at(model)
        if place < len(happened):
            if place in looks and looks[place].never_seen:
                raise NotLinear(f"{happened[place]} has not seen {looks[place].never_seen}")
            repeat(happened[place], model)
            check(model)
    return happened


@dataclass
class Look:
    """What a client that looks before it writes might have seen, and what it cannot have seen."""

    one: Report[Act]
    since: int
    never_seen: set[object] | None = None

    def at(self, model: Model) -> None:
        """One of the moments they may have looked at."""
        assert isinstance(self.one.act, ReadsFirst)
        with suppress(LookupError):
            unseen = self.one.act.unseen(model, self.one.figures)
            self.never_seen = unseen if self.never_seen is None else self.never_seen & unseen


def is_true(one: Report[Act], model: Model) -> bool:
    """Whether a refusal would have been answered just now."""
    try:
        return one.act.verdict(model) == one.code
    except LookupError:
        return False


def repeat(one: Report[Act], model: Model) -> None:
    """The act once more, by itself: the same yes, and the same figures."""
    verdict = YES if isinstance(one.act, ReadsFirst) else one.act.verdict(model)
    if verdict != YES:
        raise NotLinear(f"{one.act} was answered yes, in its turn it is {verdict}")
    figures = one.act.happen(model, Said(one.code, one.figures))
    if figures != one.figures:
        raise NotLinear(f"{one.act} was answered {one.figures}, in its turn it is {figures}")


def check(model: Model) -> None:
    """What must be so after every act, not only at the end."""
    for source, by_kind in model.balances().items():
        short = [kind for kind, fen in by_kind.items() if fen < 0 and kind != "appropriated"]
        if short:
            raise NotLinear(f"{source}: {short[0]} is negative")
    for code, left in model.room().items():
        if min(left.fen or 0, left.count or 0) < 0:
            raise NotLinear(f"{code}: beyond its cap")
    if any(used > LIMITS[key[0]] for key, used in model.counters()[0].items()):
        raise NotLinear("a limit is exceeded")
