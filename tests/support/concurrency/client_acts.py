"""What clients do at once to a small shared city: each act on the engine, and in the model.

An act is done on the engine by the client that has it, with the words of the engine's answer as
figures. Afterwards the model is asked the same in its turn: `verdict` says what must be answered as
things then stand, `happen` makes it so and says the figures.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, runtime_checkable

from merchants.errors import Refused
from merchants.models import Store
from tests.support.reference_model import Model, Tier, Use
from vouchers.models import Campaign, Resident

Figures = Mapping[str, object]
YES = "yes"
Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: a code, figures, and the row that marks its commit (none for most refusals)."""

    code: str
    figures: Figures = field(default_factory=dict)
    mark: str = ""


class Act(Protocol):
    """Something a client does."""

    def do(self) -> Said:
        """On the engine."""
        ...

    def verdict(self, model: Model) -> str:
        """What must be answered as things stand."""
        ...

    def happen(self, model: Model, said: Said) -> Figures:
        """It is so; the figures that must have been answered."""
        ...


@runtime_checkable
class ReadsFirst(Protocol):
    """An act that looks at more than it locks. What came in between its look and its commit it need
    not have seen; what was there all the time since it was asked for, it must."""

    def unseen(self, model: Model, figures: Figures) -> set[object]:
        """What is there just now and contradicts the answer."""
        ...


@dataclass(frozen=True)
class Place:
    """The city as every client sees it."""

    campaign: Campaign
    stores: Mapping[str, Store]
    people: Mapping[str, Resident]
    tiers: Mapping[str, Tier]


def the(items: Iterable[Thing], is_it: Callable[[Thing], bool]) -> Thing:
    """The one that is meant. Raises LookupError where it has not come about yet."""
    for item in items:
        if is_it(item):
            return item
    raise LookupError


def use_of(model: Model, redemption_id: int) -> Use:
    return the(model.uses, lambda use: use.id == redemption_id)


def done(act: Act) -> Said:
    """The answer to an act; a refusal is one too."""
    try:
        return act.do()
    except Refused as refused:
        return Said(refused.refusal.code)
