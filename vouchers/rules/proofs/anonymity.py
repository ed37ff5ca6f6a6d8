"""Groups of people as they may be published: none from which fewer than ten can be told."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

LEAST_PERSONS: Final = 10
"""DESIGN §10: the smallest group of people whose figures are shown."""


@dataclass(frozen=True, slots=True)
class Group:
    """What some people did: `persons` different ones, with so many vouchers. Money in fen."""

    key: int | None
    label: str
    persons: int
    count: int
    discount_fen: int
    order_fen: int


@dataclass(frozen=True, slots=True)
class Publishable:
    """`shown` by subsidy, largest first; `others` is what is left, as one group or nothing."""

    shown: tuple[Group, ...]
    others: Group | None


def publishable(
    groups: Sequence[Group],
    *,
    most: int | None = None,
    among: Collection[int | None] | None = None,
) -> Publishable:
    """The groups of at least `LEAST_PERSONS` people, `most` of them, and the others together; only
    those with a key in `among` are shown, if it is given.

    Small groups are only shown together with one that is large enough, the smallest: with the sum
    of all groups known, a single small one left out could be had by subtraction.
    """
    ranked = sorted(groups, key=lambda group: (-group.discount_fen, group.key or 0))
    large = [
        group
        for group in ranked
        if group.persons >= LEAST_PERSONS and (among is None or group.key in among)
    ]
    shown = large[:most]
    rest = [group for group in ranked if group not in shown]
    if rest and not any(group.persons >= LEAST_PERSONS for group in rest) and shown:
        least = min(shown, key=lambda group: group.persons)
        shown.remove(least)
        rest.append(least)
    if not any(group.persons >= LEAST_PERSONS for group in rest):
        return Publishable(tuple(shown), None)
    return Publishable(tuple(shown), _together(rest))


def publishable_within(
    wholes: Publishable, parts: Mapping[int | None, Sequence[Group]]
) -> dict[int | None, Publishable]:
    """The parts of each whole that is shown, by the whole's key. Of a whole that is only shown with
    others nothing is: its parts would tell it."""
    return {whole.key: publishable(parts.get(whole.key, ())) for whole in wholes.shown}


def share_pct(part: Group, whole: Group) -> float | None:
    """The part's per cent of the whole's subsidy; None where it, or what it leaves, is of too few
    people."""
    left = whole.persons - part.persons
    is_small = 0 < part.persons < LEAST_PERSONS or 0 < left < LEAST_PERSONS
    if is_small or whole.persons < LEAST_PERSONS or not whole.discount_fen:
        return None
    return 100 * part.discount_fen / whole.discount_fen


def _together(groups: Sequence[Group]) -> Group:
    """One group of all; a person may be in several, so the people are at least those of one."""
    return Group(
        key=None,
        label="",
        persons=max(group.persons for group in groups),
        count=sum(group.count for group in groups),
        discount_fen=sum(group.discount_fen for group in groups),
        order_fen=sum(group.order_fen for group in groups),
    )
