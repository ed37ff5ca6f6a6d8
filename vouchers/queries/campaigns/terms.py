"""A campaign's terms as they stand: as facts for the rules, and as the document that is frozen."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from django.db.models import QuerySet

from vouchers.models import Campaign, Geofence, LimitRule, QuotaCell, Tier
from vouchers.rules.campaigns.declaration import CAMPAIGN, OPTIONS, PARTS, Option, Unit
from vouchers.rules.campaigns.terms import (
    CellTerms,
    LimitTerms,
    RingTerms,
    RoundTerms,
    Terms,
    TierTerms,
    written,
)
from vouchers.states import LimitKind, TierKind

_PARTS: Final = {part.name: part for part in PARTS}
_RELATED: Final = {
    "cells": ("tier", "round", "store__merchant", "source"),
    "stores": ("store__merchant",),
}


Parts = Mapping[str, Sequence[Any]]
"""By the name of a part its rows, in the order of the document."""


def parts_of(campaign: Campaign) -> Parts:
    """The rows of every part, for what is asked about them at one time."""
    return {name: list(_rows(campaign, name)) for name in _PARTS}


def terms_of(campaign: Campaign, parts: Parts | None = None) -> Terms:
    """What the rules judge before a submission; options are read by the names they declare."""
    parts = parts_of(campaign) if parts is None else parts
    own_radii_m = (store.radius_m for store in parts["stores"] if store.radius_m is not None)
    judged = Terms.__dataclass_fields__.keys() & OPTIONS.keys()
    return Terms(
        **{name: _frozen(getattr(campaign, name)) for name in judged},
        radii_m=(campaign.radius_m, *own_radii_m),
        store_count=len(parts["stores"]),
        appropriated_fen={source.code: source.appropriated_fen for source in parts["sources"]},
        tiers=tuple(_tier_terms(tier) for tier in parts["tiers"]),
        rings=tuple(RingTerms(ring.label, ring.from_m, ring.to_m) for ring in parts["rings"]),
        rounds=tuple(
            RoundTerms(item.number, item.opens_at, item.closes_at) for item in parts["rounds"]
        ),
        limits=tuple(
            LimitTerms(LimitKind(rule.kind), rule.limit_count, rule.limit_fen)
            for rule in parts["limits"]
        ),
        cells=tuple(
            CellTerms(frozenset(slice_of(cell).items()), cell.cap_fen, cell.cap_count)
            for cell in parts["cells"]
        ),
        areas=tuple(
            fence.geometry
            for fence in parts["geofences"]
            if fence.kind != Geofence.Kind.WITHIN_DISTRICT
        ),
    )


def document_of(campaign: Campaign, parts: Parts | None = None) -> dict[str, Any]:
    """Everything the campaign promises, as JSON without row ids: what is hashed and approved."""
    parts = parts_of(campaign) if parts is None else parts
    return {
        "campaign": {option.name: _written(campaign, option) for option in CAMPAIGN},
        **{
            name: [
                {option.name: _written(row, option) for option in part.options}
                for row in parts[name]
            ]
            for name, part in _PARTS.items()
        },
    }


def shares_of(campaign: Campaign) -> dict[str, dict[str, int]]:
    """By tier code what each source (by code) pays of one face, in fen."""
    return {tier.code: _shares_fen(tier) for tier in _rows(campaign, "tiers")}


def _rows(campaign: Campaign, name: str) -> QuerySet[Any]:
    """The rows of a part in the order of the document."""
    part = _PARTS[name]
    rows: QuerySet[Any] = getattr(campaign, part.relation).order_by(*part.order_by)
    if name == "tiers":
        return rows.prefetch_related("splits__source")
    # Without a name it would join whatever a row points to.
    return rows.select_related(*_RELATED[name]) if name in _RELATED else rows


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _written(row: Any, option: Option) -> Any:
    """An option's value as documents write it."""
    if isinstance(row, LimitRule) and option.name == "kind":
        return LimitKind(row.kind).name.lower()
    if reader := _READERS.get(option.name):
        return reader(row)
    value = getattr(row, option.name)
    return written(value) if option.unit is Unit.INSTANT and value is not None else value


def _shares_fen(tier: Tier) -> dict[str, int]:
    return {share.source.code: share.amount_fen for share in tier.splits.all()}


def _tier_terms(tier: Tier) -> TierTerms:
    return TierTerms(
        code=tier.code,
        kind=TierKind(tier.kind),
        face_fen=tier.face_fen,
        threshold_fen=tier.threshold_fen,
        percent_bp=tier.percent_bp,
        shares_fen=_shares_fen(tier),
    )


def slice_of(cell: QuotaCell) -> dict[str, str]:
    """The dimensions a cell names, by the codes people use."""
    found = {
        "tier": cell.tier and cell.tier.code,
        "round": cell.round and str(cell.round.number),
        "district": cell.district_id and str(cell.district_id),
        "merchant": cell.store and cell.store.merchant.code,
        "store": cell.store and cell.store.external_id,
        "source": cell.source and cell.source.code,
        "channel": cell.channel,
        "day": cell.day and cell.day.isoformat(),
    }
    return {dimension: str(value) for dimension, value in found.items() if value is not None}


# Values that aren't a column of their row.
_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "shares_fen": _shares_fen,
    "slice": slice_of,
    "merchant": lambda participation: participation.store.merchant.code,
    "store": lambda participation: participation.store.external_id,
    "district": lambda fence: fence.district_id,
    "street": lambda fence: fence.street_id,
}
