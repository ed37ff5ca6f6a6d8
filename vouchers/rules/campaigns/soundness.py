"""What makes a campaign's terms fit to be submitted. Pure.

`faults` lists everything that is wrong at once, so that a manager mends it in one go.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import combinations, pairwise
from typing import Any, Final

from merchants.errors import Refusal
from merchants.geo import area_flaw
from vouchers.money import WHOLE_BP
from vouchers.rules.audience.filters import POINT_KINDS, AudienceFilter, InvalidFilterError
from vouchers.rules.audience.need import MOST_POINTS, InvalidWeightError, NeedWeights
from vouchers.rules.audience.store_cover import MAX_RADIUS_M
from vouchers.rules.campaigns.budget import budget_of
from vouchers.rules.campaigns.declaration import CAMPAIGN
from vouchers.rules.campaigns.terms import (
    CELLS_DO_NOT_NEST,
    DATES_CROSS,
    INVALID,
    CellTerms,
    LimitTerms,
    Terms,
)
from vouchers.states import (
    LimitKind,
    RefundPolicy,
    SelectionMethod,
    TierKind,
)

_ADDRESS: Final = re.compile(
    r"https://[^\s/@]+(/\S*)?|[^\s@/:]+@[^\s@/:]+\.[^\s@/:]+", re.ASCII | re.IGNORECASE
)

_OF_STORE: Final = (LimitKind.STORE_MINUTE, LimitKind.STORE_DAY)
LIMIT_LADDERS: Final = (
    (LimitKind.RESIDENT_DAY, LimitKind.RESIDENT_WEEK, LimitKind.RESIDENT_CAMPAIGN),
    (*_OF_STORE, LimitKind.STORE_WEEK, LimitKind.STORE_CAMPAIGN, LimitKind.MERCHANT_CAMPAIGN),
    (*_OF_STORE, LimitKind.STORE_WEEK, LimitKind.MERCHANT_WEEK, LimitKind.MERCHANT_CAMPAIGN),
    (*_OF_STORE, LimitKind.MERCHANT_DAY, LimitKind.MERCHANT_WEEK, LimitKind.MERCHANT_CAMPAIGN),
    (LimitKind.LINK_DAY, LimitKind.LINK_WEEK, LimitKind.LINK_CAMPAIGN),
    (LimitKind.CLAIM_DAY, LimitKind.CLAIM_WEEK, LimitKind.CLAIM_CAMPAIGN),
)
"""Limits of one subject or of what contains it, narrow before wide: a wide limit below a narrow
one is a slip."""


def faults(terms: Terms, *, at: datetime) -> list[Refusal]:
    """Everything that keeps these terms from being submitted at `at`; empty when they are sound."""
    checks: tuple[Callable[[Terms], Iterator[Refusal]], ...] = (
        _options_in_range,
        _parts_present,
        _reach_known,
        _choice_known,
        _areas_sound,
        _conduct_known,
        _tiers_sound,
        _rings_contiguous,
        _rounds_in_order,
        lambda terms: limits_nest(terms.limits),
        _cells_nest,
        _budget_covers,
    )
    return [*_dates_in_order(terms, at), *(fault for check in checks for fault in check(terms))]


def unreachable(terms: Terms) -> list[Refusal]:
    """Everything that keeps anyone from being judged by these terms, even in a preview of a draft
    that may lack other things still."""
    return [*_reach_known(terms), *_areas_sound(terms), *_rings_overlapping(terms)]


def _fault(rule: str, **facts: str | int) -> Refusal:
    return Refusal(INVALID, rule, facts)


def _dates_in_order(terms: Terms, at: datetime) -> Iterator[Refusal]:
    if terms.ends_at <= terms.starts_at:
        yield Refusal(DATES_CROSS, "ends_after_start")
    if terms.ends_at <= at:
        yield _fault("not_over_yet", ends_at=terms.ends_at.isoformat())


def _options_in_range(terms: Terms) -> Iterator[Refusal]:
    """Whole numbers lie within the bounds that the declaration gives them."""
    for option in CAMPAIGN:
        value = getattr(terms, option.name, None)
        if not isinstance(value, int):
            continue
        if option.least is not None and value < option.least:
            yield _fault("at_least", option=option.name, least=option.least)
        if option.most is not None and value > option.most:
            yield _fault("at_most", option=option.name, most=option.most)


def _parts_present(terms: Terms) -> Iterator[Refusal]:
    if not terms.tiers:
        yield _fault("has_tiers")
    if not terms.appropriated_fen:
        yield _fault("has_sources")
    if not terms.store_count:
        yield _fault("has_stores")
    if not terms.point_kinds:
        yield _fault("has_point_kinds")
    for source, appropriated_fen in sorted(terms.appropriated_fen.items()):
        if appropriated_fen <= 0:
            yield _fault("source_appropriated", source=source)


def _reach_known(terms: Terms) -> Iterator[Refusal]:
    """Places, radii and the filter: by them people are judged."""
    if unknown := sorted(set(terms.point_kinds) - set(POINT_KINDS)):
        yield _fault("point_kinds_known", kind=unknown[0])
    if not 0 < min(terms.radii_m) <= max(terms.radii_m) <= MAX_RADIUS_M:
        yield _fault("radius_in_range", most_m=int(MAX_RADIUS_M))
    try:
        AudienceFilter.of(terms.audience_filter)
    except InvalidFilterError as error:
        yield _fault("filter_known", problem=str(error))


def _choice_known(terms: Terms) -> Iterator[Refusal]:
    """Who comes first where the quota does not last for all."""
    if terms.selection_method not in set(SelectionMethod):
        yield _fault("selection_method_known", method=terms.selection_method)
    try:
        NeedWeights.of(terms.need_weights)
    except InvalidWeightError as error:
        rule, name = error.args
        yield _fault(rule, name=name, most_points=MOST_POINTS)
    if terms.need_weights and terms.selection_method != SelectionMethod.NEED:
        yield _fault("need_weights_count")
    if terms.senior_share_bp + terms.small_shop_share_bp > WHOLE_BP:
        yield _fault("guaranteed_shares_fit")


def _areas_sound(terms: Terms) -> Iterator[Refusal]:
    for number, geometry in enumerate(terms.areas, 1):
        if fault := area_fault(geometry, number=number):
            yield fault


def area_fault(geometry: Any, *, number: int) -> Refusal | None:
    """Why a polygon can't be used; `number` names it among those of the campaign."""
    flaw = area_flaw(geometry)
    if flaw is None:
        return None
    why, corner = flaw
    return _fault(why.value, number=number, **({"corner": corner.value} if corner else {}))


def _conduct_known(terms: Terms) -> Iterator[Refusal]:
    """How refunds, authorisations and seals are handled."""
    if not re.fullmatch("[A-Z]{3}", terms.currency):
        yield _fault("currency_known", currency=terms.currency)
    if terms.refund_policy not in set(RefundPolicy):
        yield _fault("refund_policy_known", policy=terms.refund_policy)
    for address in terms.anchor_recipients:
        if not is_address(address):
            yield _fault("recipient_known", address=address)


def is_address(text: str) -> bool:
    """Whether seals can be sent there: an https URL or an e-mail address."""
    return _ADDRESS.fullmatch(text) is not None


def _tiers_sound(terms: Terms) -> Iterator[Refusal]:
    for tier in terms.tiers:
        if tier.kind is TierKind.THRESHOLD and tier.threshold_fen <= tier.face_fen:
            yield _fault("threshold_above_face", tier=tier.code)
        if tier.kind is TierKind.PERCENT and not 0 < (tier.percent_bp or 0) < 10_000:
            yield _fault("percentage_in_range", tier=tier.code)
        if unknown := sorted(tier.shares_fen.keys() - terms.appropriated_fen.keys()):
            yield _fault("share_of_known_source", tier=tier.code, source=unknown[0])
        off_fen = tier.face_fen - sum(tier.shares_fen.values())
        if off_fen:
            yield _fault("shares_add_up", tier=tier.code, off_fen=off_fen)


def _rings_contiguous(terms: Terms) -> Iterator[Refusal]:
    """Rings run from 0 to the farthest radius without a gap: a point inside has exactly one
    ring."""
    if not terms.rings:
        return
    rings = sorted(terms.rings, key=lambda ring: ring.from_m)
    if rings[0].from_m != 0:
        yield _fault("rings_from_zero", ring=rings[0].label)
    for inner, outer in pairwise(rings):
        if inner.to_m != outer.from_m:
            yield _fault("rings_contiguous", ring=outer.label, after=inner.label)
    if rings[-1].to_m < max(terms.radii_m):
        yield _fault("rings_reach_radius", to_m=rings[-1].to_m, radius_m=max(terms.radii_m))


def _rings_overlapping(terms: Terms) -> Iterator[Refusal]:
    """A distance would be in two rings."""
    rings = sorted(terms.rings, key=lambda ring: ring.from_m)
    for inner, outer in pairwise(rings):
        if inner.to_m > outer.from_m:
            yield _fault("rings_contiguous", ring=outer.label, after=inner.label)


def _rounds_in_order(terms: Terms) -> Iterator[Refusal]:
    rounds = sorted(terms.rounds, key=lambda item: item.number)
    for item in rounds:
        if not terms.starts_at <= item.opens_at < item.closes_at <= terms.ends_at:
            yield Refusal(DATES_CROSS, "round_within_campaign", {"round": item.number})
    for earlier, later in pairwise(rounds):
        if later.opens_at < earlier.closes_at:
            yield Refusal(DATES_CROSS, "rounds_apart", {"round": later.number})


def limits_nest(limits: Iterable[LimitTerms]) -> Iterator[Refusal]:
    """Faults of limits that a narrower one goes beyond; it could not be reached."""
    by_kind = {limit.kind: limit for limit in limits}
    steps = dict.fromkeys(step for ladder in LIMIT_LADDERS for step in combinations(ladder, 2))
    for narrow, wide in (
        (by_kind[inner], by_kind[outer]) for inner, outer in steps if {inner, outer} <= set(by_kind)
    ):
        if _exceeds(narrow.limit_count, wide.limit_count) or _exceeds(
            narrow.limit_fen, wide.limit_fen
        ):
            yield _fault(
                "limits_nest", narrow=narrow.kind.name.lower(), wide=wide.kind.name.lower()
            )


def _cells_nest(terms: Terms) -> Iterator[Refusal]:
    for one, other in combinations(terms.cells, 2):
        if one.slice == other.slice:
            yield _fault("cells_differ", cell=one.name)
    for narrow, wide in broken_nests(terms.cells):
        yield cells_do_not_nest(narrow, wide)


def broken_nests(cells: Iterable[CellTerms]) -> Iterator[tuple[CellTerms, CellTerms]]:
    """(narrow, wide) where a cell promises more than another that holds it."""
    for one, other in combinations(cells, 2):
        narrow, wide = (one, other) if one.slice > other.slice else (other, one)
        if not narrow.slice > wide.slice:
            continue
        # Fen of a cell with a source are that source's share, so they compare only with their like.
        same_money = _source_of(narrow) == _source_of(wide)
        if _exceeds(narrow.cap_count, wide.cap_count) or (
            same_money and _exceeds(narrow.cap_fen, wide.cap_fen)
        ):
            yield narrow, wide


def cells_do_not_nest(narrow: CellTerms, wide: CellTerms) -> Refusal:
    """The refusal of a pair that `broken_nests` found."""
    return Refusal(CELLS_DO_NOT_NEST, "cells_nest", {"narrow": narrow.name, "wide": wide.name})


def _exceeds(narrow: int | None, wide: int | None) -> bool:
    return narrow is not None and wide is not None and narrow > wide


def _source_of(cell: CellTerms) -> str | None:
    return dict(cell.slice).get("source")


def _budget_covers(terms: Terms) -> Iterator[Refusal]:
    """Each source can pay for what the tiers' own caps plan; an uncapped tier plans one voucher."""
    for source in budget_of(terms).sources:
        if source.planned_fen > source.appropriated_fen > 0:
            yield _fault(
                "budget_covers",
                source=source.code,
                planned_fen=source.planned_fen,
                appropriated_fen=source.appropriated_fen,
            )
