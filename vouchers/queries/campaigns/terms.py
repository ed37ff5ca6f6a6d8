"""A campaign's terms as they stand: as facts for the rules, and as the document that is frozen."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from vouchers.models import Campaign, CampaignStore, QuotaCell, Tier
from vouchers.rules.campaigns.terms import (
    CapTerms,
    CellTerms,
    RingTerms,
    RoundTerms,
    Terms,
    TierTerms,
)
from vouchers.states import CapKind, TierKind


def terms_of(campaign: Campaign) -> Terms:
    """What the rules judge before a submission."""
    stores = list(_participations(campaign))
    own_radii_m = (store.radius_m for store in stores if store.radius_m is not None)
    return Terms(
        starts_at=campaign.starts_at,
        ends_at=campaign.ends_at,
        validity_s=campaign.validity_s,
        radii_m=(campaign.radius_m, *own_radii_m),
        store_count=len(stores),
        point_kinds=tuple(campaign.point_kinds),
        currency=campaign.currency,
        refund_policy=campaign.refund_policy,
        authorise_ttl_s=campaign.authorise_ttl_s,
        anchor_recipients=tuple(campaign.anchor_recipients),
        audience_filter=campaign.audience_filter,
        appropriated_fen={
            source.code: source.appropriated_fen for source in campaign.sources.all()
        },
        tiers=tuple(_tier_terms(tier) for tier in _tiers(campaign)),
        rings=tuple(RingTerms(ring.label, ring.from_m, ring.to_m) for ring in campaign.rings.all()),
        rounds=tuple(
            RoundTerms(item.number, item.opens_at, item.closes_at) for item in campaign.rounds.all()
        ),
        caps=tuple(
            CapTerms(CapKind(cap.kind), cap.limit_count, cap.limit_fen)
            for cap in campaign.caps.all()
        ),
        cells=tuple(
            CellTerms(frozenset(slice_of(cell).items()), cell.cap_fen, cell.cap_count)
            for cell in _cells(campaign)
        ),
    )


def document_of(campaign: Campaign) -> dict[str, Any]:
    """Everything the campaign promises, as JSON without row ids: what is hashed and approved."""
    return {
        "campaign": {
            "code": campaign.code,
            "name": campaign.name,
            "organiser": campaign.organiser,
            "operator": campaign.operator,
            "zone": campaign.zone,
            "starts_at": instant(campaign.starts_at),
            "ends_at": instant(campaign.ends_at),
            "validity_s": campaign.validity_s,
            "radius_m": campaign.radius_m,
            "point_kinds": campaign.point_kinds,
            "audience_filter": campaign.audience_filter,
            "excluded_categories": campaign.excluded_categories,
            "order_kinds": campaign.order_kinds,
            "currency": campaign.currency,
            "refund_policy": campaign.refund_policy,
            "authorise_ttl_s": campaign.authorise_ttl_s,
            "anchor_recipients": campaign.anchor_recipients,
            "is_test": campaign.is_test,
        },
        "sources": [
            {"code": source.code, "name": source.name, "appropriated_fen": source.appropriated_fen}
            for source in campaign.sources.order_by("code")
        ],
        "tiers": [_tier_document(tier) for tier in _tiers(campaign)],
        "rings": [
            {"label": ring.label, "from_m": ring.from_m, "to_m": ring.to_m}
            for ring in campaign.rings.order_by("from_m")
        ],
        "rounds": [
            {
                "number": item.number,
                "opens_at": instant(item.opens_at),
                "closes_at": instant(item.closes_at),
            }
            for item in campaign.rounds.order_by("number")
        ],
        "geofences": [
            {"kind": fence.kind, "geometry": fence.geometry, "district": fence.district_id}
            for fence in campaign.geofences.order_by("id")
        ],
        "caps": [
            {
                "kind": CapKind(cap.kind).name.lower(),
                "limit_count": cap.limit_count,
                "limit_fen": cap.limit_fen,
            }
            for cap in campaign.caps.order_by("kind")
        ],
        "cells": [
            {"slice": slice_of(cell), "cap_fen": cell.cap_fen, "cap_count": cell.cap_count}
            for cell in _cells(campaign)
        ],
        "stores": [_store_document(store) for store in _participations(campaign)],
    }


def shares_of(campaign: Campaign) -> dict[str, dict[str, int]]:
    """By tier code what each source (by code) pays of one face, in fen."""
    return {tier.code: _shares_fen(tier) for tier in _tiers(campaign)}


def _tiers(campaign: Campaign) -> Iterable[Tier]:
    return campaign.tiers.prefetch_related("splits__source").order_by("code")


def _participations(campaign: Campaign) -> Iterable[CampaignStore]:
    return campaign.participations.select_related("store__merchant").order_by(
        "store__merchant__code", "store__external_id", "valid_from_at"
    )


def _cells(campaign: Campaign) -> Iterable[QuotaCell]:
    return campaign.cells.select_related("tier", "round", "store__merchant", "source").order_by(
        "id"
    )


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


def _tier_document(tier: Tier) -> dict[str, Any]:
    return {
        "code": tier.code,
        "name": tier.name,
        "kind": tier.kind,
        "face_fen": tier.face_fen,
        "threshold_fen": tier.threshold_fen,
        "threshold_basis": tier.threshold_basis,
        "percent_bp": tier.percent_bp,
        "per_resident": tier.per_resident,
        "shares_fen": _shares_fen(tier),
    }


def _store_document(participation: CampaignStore) -> dict[str, Any]:
    until_at = participation.valid_until_at
    return {
        "merchant": participation.store.merchant.code,
        "store": participation.store.external_id,
        "category": participation.category,
        "radius_m": participation.radius_m,
        "valid_from_at": instant(participation.valid_from_at),
        "valid_until_at": until_at and instant(until_at),
    }


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


def instant(at: datetime) -> str:
    """An instant as documents write it: ISO 8601, UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
