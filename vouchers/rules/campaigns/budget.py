"""What the tiers of a draft plan against what its sources appropriate, and how to make it fit.
Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from vouchers.rules.campaigns.terms import CellTerms, Terms, TierTerms


@dataclass(frozen=True, slots=True)
class TierBudget:
    """What a tier plans. `count` is None where no quota of its own caps it: it plans one voucher,
    so that a source which cannot even pay that is noticed."""

    code: str
    face_fen: int
    count: int | None
    planned_fen: int


@dataclass(frozen=True, slots=True)
class SourceBudget:
    """What the tiers take of a source, and what it appropriates."""

    code: str
    planned_fen: int
    appropriated_fen: int

    @property
    def left_fen(self) -> int:
        """Appropriated and not planned; negative where the tiers plan too much."""
        return self.appropriated_fen - self.planned_fen


@dataclass(frozen=True, slots=True)
class Budget:
    """Face × count, tier by tier and source by source."""

    tiers: tuple[TierBudget, ...]
    sources: tuple[SourceBudget, ...]

    @property
    def planned_fen(self) -> int:
        """What all tiers plan."""
        return sum(tier.planned_fen for tier in self.tiers)

    @property
    def appropriated_fen(self) -> int:
        """What all sources appropriate."""
        return sum(source.appropriated_fen for source in self.sources)

    @property
    def is_exact(self) -> bool:
        """Whether every tier has its number of vouchers and every source spends all it gives."""
        return all(tier.count is not None for tier in self.tiers) and not any(
            source.left_fen for source in self.sources
        )


def budget_of(terms: Terms) -> Budget:
    """The plan of the tiers' own caps; sources in the order of their codes."""
    caps = {cell.slice: cell for cell in terms.cells}
    planned_fen = dict.fromkeys(terms.appropriated_fen, 0)
    tiers = []
    for tier in terms.tiers:
        count = _count(tier, caps.get(frozenset({("tier", tier.code)})))
        times = 1 if count is None else count
        tiers.append(TierBudget(tier.code, tier.face_fen, count, times * tier.face_fen))
        for source, share_fen in tier.shares_fen.items():
            planned_fen[source] = planned_fen.get(source, 0) + times * share_fen
    sources = tuple(
        SourceBudget(code, planned_fen[code], appropriated_fen)
        for code, appropriated_fen in sorted(terms.appropriated_fen.items())
    )
    return Budget(tuple(tiers), sources)


def _count(tier: TierTerms, cell: CellTerms | None) -> int | None:
    if cell is None or (cell.cap_count is None and cell.cap_fen is None):
        return None
    by_money = None if cell.cap_fen is None else cell.cap_fen // tier.face_fen
    return min(cap for cap in (cell.cap_count, by_money) if cap is not None)


def fitting_counts(terms: Terms) -> dict[str, int]:
    """By tier code the numbers of vouchers that the appropriations pay for: the planned ones, all
    made larger or smaller in the same proportion, then filled up with the largest faces first until
    no voucher of any planned tier could be added.

    A tier without a number takes what the others leave, which are then made no larger; without any
    number all tiers count alike.
    """
    tiers = [tier for tier in terms.tiers if sum(tier.shares_fen.values()) > 0]
    wanted = {tier.code: tier.count for tier in budget_of(terms).tiers}
    if not any(wanted.values()):
        wanted = dict.fromkeys(wanted, 1)
    planned = {code: count or 0 for code, count in wanted.items()}
    is_open = {code: count is None for code, count in wanted.items()}
    taken_fen: dict[str, int] = {}
    for tier in tiers:
        for source, share_fen in tier.shares_fen.items():
            taken_fen[source] = taken_fen.get(source, 0) + planned[tier.code] * share_fen
    # A float would be off by a voucher: millions of vouchers times fen.
    scale = min(
        (
            Fraction(terms.appropriated_fen.get(source, 0), fen)
            for source, fen in taken_fen.items()
            if fen
        ),
        default=Fraction(0),
    )
    if any(is_open.values()):
        scale = min(scale, Fraction(1))
    counts = {tier.code: int(planned[tier.code] * scale) for tier in tiers}
    left_fen = dict(terms.appropriated_fen)
    for tier in tiers:
        _take(left_fen, tier, counts[tier.code])
    for tier in sorted(tiers, key=lambda it: (not is_open[it.code], -it.face_fen, it.code)):
        if planned[tier.code] or is_open[tier.code]:
            more = min(left_fen.get(code, 0) // fen for code, fen in tier.shares_fen.items() if fen)
            counts[tier.code] += more
            _take(left_fen, tier, more)
    return counts


def _take(left_fen: dict[str, int], tier: TierTerms, count: int) -> None:
    for source, share_fen in tier.shares_fen.items():
        left_fen[source] = left_fen.get(source, 0) - count * share_fen


def fitting_appropriations(terms: Terms) -> Mapping[str, int]:
    """By source code exactly what the tiers plan of it, in fen."""
    return {source.code: source.planned_fen for source in budget_of(terms).sources}
