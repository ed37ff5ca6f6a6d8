"""The document of terms that a preset begins a draft with. Pure.

It is written as `declaration` declares the terms; what a preset leaves out keeps the column's usual
value.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

from vouchers.money import split_evenly
from vouchers.rules.campaigns.presets import Preset, SourcePlan, TierPlan
from vouchers.rules.campaigns.rounds import weekly
from vouchers.rules.campaigns.terms import written
from vouchers.states import ThresholdBasis

ZONE: Final = "Asia/Shanghai"


def document(
    preset: Preset, *, code: str, name: str, starts_at: datetime, is_test: bool, language: str
) -> dict[str, Any]:
    """The terms of a draft that begins at `starts_at`; names in the language of its author. Stores
    are chosen in the draft."""
    ends_at = starts_at + timedelta(days=preset.days)
    rounds = list(_rounds(preset, starts_at))
    return {
        "campaign": {
            "code": code,
            "name": name,
            "is_test": is_test,
            "zone": ZONE,
            "starts_at": written(starts_at),
            "ends_at": written(ends_at),
            **preset.options,
        },
        "sources": [
            {
                "code": source.code,
                "name": source.name.of(language),
                "appropriated_fen": sum(
                    _share_fen(preset, tier, source) * tier.count for tier in preset.tiers
                ),
            }
            for source in preset.sources
        ],
        "tiers": [_tier(preset, tier, language) for tier in preset.tiers],
        "rings": [
            {
                "label": f"{begins_m / 1000:g}–{ends_m / 1000:g} km",
                "from_m": begins_m,
                "to_m": ends_m,
            }
            for begins_m, ends_m in pairwise((0, *preset.rings))
        ],
        "limits": [
            {"kind": kind.name.lower(), "limit_count": count, "limit_fen": None}
            for kind, count in preset.limits.items()
        ],
        "rounds": rounds,
        "cells": [
            *(_cell({"tier": tier.code}, count=tier.count) for tier in preset.tiers),
            *(
                _cell({"round": str(item["number"])}, fen=fen)
                for item, fen in _evenly(rounds, preset.planned_fen)
            ),
            *(
                _cell({"channel": channel}, count=count)
                for channel, count in _evenly(preset.channels, preset.count)
            ),
        ],
    }


def _tier(preset: Preset, tier: TierPlan, language: str) -> dict[str, Any]:
    return {
        "code": tier.code,
        "name": tier.name.of(language),
        "kind": tier.kind.value,
        "face_fen": tier.face_fen,
        "threshold_fen": tier.threshold_fen,
        "threshold_basis": ThresholdBasis.POST_DISCOUNT.value,
        "percent_bp": None,
        "per_resident": tier.per_resident,
        "shares_fen": {source.code: _share_fen(preset, tier, source) for source in preset.sources},
    }


def _share_fen(preset: Preset, tier: TierPlan, source: SourcePlan) -> int:
    """The first source takes what division leaves over."""
    others_fen = sum(tier.face_fen * other.percent // 100 for other in preset.sources[1:])
    if source is preset.sources[0]:
        return tier.face_fen - others_fen
    return tier.face_fen * source.percent // 100


def _evenly(things: Sequence[Any], whole: int) -> Iterator[tuple[Any, int]]:
    """Each with its equal part of the whole."""
    if things:
        yield from zip(things, split_evenly(whole, len(things)), strict=True)


def _cell(
    on: dict[str, str], *, count: int | None = None, fen: int | None = None
) -> dict[str, Any]:
    return {"slice": on, "cap_count": count, "cap_fen": fen}


def _rounds(preset: Preset, starts_at: datetime) -> list[dict[str, Any]]:
    """From the first such weekday on or after the start."""
    plan = preset.rounds
    if plan is None:
        return []
    local = starts_at.astimezone(ZoneInfo(ZONE))
    opens_at = local.replace(hour=plan.hour, minute=0, second=0, microsecond=0)
    opens_at += timedelta(days=(plan.weekday - local.weekday()) % 7)
    if opens_at < local:
        opens_at += timedelta(weeks=1)
    periods = weekly(
        first_opens_at=opens_at,
        open_for=timedelta(seconds=plan.open_for_s),
        weeks=plan.weeks,
        zone=ZONE,
    )
    return [
        {
            "number": number,
            "opens_at": written(period.opens_at),
            "closes_at": written(period.closes_at),
            "way": plan.way.value,
        }
        for number, period in enumerate(periods, 1)
    ]
