"""Drafts made of a document of terms: of a preset, or of another campaign's.

The document is the one that is frozen and approved, so that there is no second list of what a
campaign consists of.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction

from merchants.errors import Refused
from merchants.models import District, Store
from vouchers.models import Campaign, CampaignStore
from vouchers.queries.campaigns.terms import document_of
from vouchers.rules.campaigns.beginnings import document
from vouchers.rules.campaigns.copying import moved
from vouchers.rules.campaigns.declaration import OPTIONS, Unit
from vouchers.rules.campaigns.presets import Preset
from vouchers.rules.campaigns.terms import INVALID
from vouchers.services.campaigns.drafts import RowEdit, edit_campaign, newest_edit
from vouchers.services.campaigns.lifecycle import create_campaign
from vouchers.services.campaigns.terms import add_source, add_tier
from vouchers.services.refusals import refused_by_database
from vouchers.states import LimitKind, ThresholdBasis, TierKind

Row = Mapping[str, Any]


def from_preset(
    *,
    preset: Preset,
    code: str,
    name: str,
    starts_at: datetime,
    is_test: bool,
    language: str,
    by: User,
    at: datetime,
) -> Campaign:
    """A draft with the terms of a preset, without stores. Refuses as `create_campaign` does."""
    terms = document(
        preset, code=code, name=name, starts_at=starts_at, is_test=is_test, language=language
    )
    return _made(terms, by=by, at=at)


def clone(
    *,
    campaign: Campaign,
    code: str,
    name: str,
    starts_at: datetime,
    is_test: bool,
    by: User,
    at: datetime,
) -> Campaign:
    """A draft with another campaign's terms as they stand now, every instant moved with the start.

    Stores take part from `at`. Nothing else comes along: no vouchers, cash, risk rules or
    exclusions. Refuses as `create_campaign` does.
    """
    terms = moved(document_of(campaign), code=code, name=name, starts_at=starts_at, is_test=is_test)
    return _made(terms, by=by, at=at)


def _made(terms: Mapping[str, Any], *, by: User, at: datetime) -> Campaign:
    """Make the whole draft in one transaction."""
    with refused_by_database(), transaction.atomic():
        campaign = create_campaign(by=by, at=at, **_options(terms["campaign"]))
        for row in terms["sources"]:
            add_source(campaign=campaign, by=by, at=at, **row)
        for row in terms["tiers"]:
            _add_tier(campaign, row, by, at)
        _add_rows(campaign, _standing_alone(terms), by, at)
        _add_rows(campaign, {"cells": _cells(campaign, terms)}, by, at)
        CampaignStore.objects.bulk_create(_participations(campaign, terms, at))
    campaign.refresh_from_db()
    return campaign


def _add_rows(
    campaign: Campaign, parts: Mapping[str, Sequence[Row]], by: User, at: datetime
) -> None:
    edit_campaign(
        campaign=campaign,
        seen_edit=newest_edit(campaign),
        options={},
        parts={name: [RowEdit(None, row) for row in rows] for name, rows in parts.items()},
        by=by,
        at=at,
    )


def _options(row: Row) -> dict[str, Any]:
    return {
        name: datetime.fromisoformat(value) if OPTIONS[name].unit is Unit.INSTANT else value
        for name, value in row.items()
    }


def _add_tier(campaign: Campaign, row: Row, by: User, at: datetime) -> None:
    values = {name: value for name, value in row.items() if name != "shares_fen"}
    values["kind"] = TierKind(values["kind"])
    values["threshold_basis"] = ThresholdBasis(values["threshold_basis"])
    add_tier(campaign=campaign, split=row["shares_fen"], by=by, at=at, **values)


def _standing_alone(terms: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Rows that name no other row of the draft."""
    return {
        "rings": list(terms.get("rings", ())),
        "limits": [
            {**row, "kind": LimitKind[row["kind"].upper()].value} for row in terms["limits"]
        ],
        "rounds": [
            {
                **row,
                "opens_at": datetime.fromisoformat(row["opens_at"]),
                "closes_at": datetime.fromisoformat(row["closes_at"]),
            }
            for row in terms["rounds"]
        ],
        "geofences": [
            # A street's boundary is the one of the terms, whatever has been imported since.
            {
                "kind": row["kind"],
                "geometry": row["geometry"],
                "district_id": row["district"],
                "street_id": row["street"],
            }
            for row in terms.get("geofences", ())
        ],
    }


def _cells(campaign: Campaign, terms: Mapping[str, Any]) -> list[Row]:
    """Quota cells; a source's own repeats what it appropriates and is there already."""
    return [
        {
            **_sliced(campaign, row["slice"]),
            "cap_count": row["cap_count"],
            "cap_fen": row["cap_fen"],
        }
        for row in terms["cells"]
        if row["slice"].keys() != {"source"}
    ]


def _sliced(campaign: Campaign, on: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for dimension, value in on.items():
        if dimension == "store":
            found["store"] = Store.objects.get(merchant__code=on["merchant"], external_id=value)
        elif dimension != "merchant":
            found[dimension] = _DIMENSIONS[dimension](campaign, value)
    return found


_DIMENSIONS: Final[Mapping[str, Callable[[Campaign, str], Any]]] = {
    "tier": lambda campaign, code: campaign.tiers.get(code=code),
    "round": lambda campaign, number: campaign.rounds.get(number=int(number)),
    "district": lambda _campaign, adcode: District.objects.get(pk=int(adcode)),
    "source": lambda campaign, code: campaign.sources.get(code=code),
    "channel": lambda _campaign, channel: channel,
    "day": lambda _campaign, day: date.fromisoformat(day),
}


def _participations(
    campaign: Campaign, terms: Mapping[str, Any], at: datetime
) -> Sequence[CampaignStore]:
    rows = terms.get("stores", ())
    wanted = {(row["merchant"], row["store"]) for row in rows}
    stores = {
        (store.merchant.code, store.external_id): store
        for store in Store.objects.filter(
            merchant__code__in={merchant for merchant, _ in wanted}
        ).select_related("merchant")
    }
    if lost := sorted(wanted - stores.keys()):
        raise Refused(INVALID, "store_known", merchant=lost[0][0], store=lost[0][1])
    return [
        CampaignStore(
            campaign=campaign,
            store=stores[row["merchant"], row["store"]],
            category=row["category"],
            radius_m=row["radius_m"],
            valid_from_at=at,
        )
        for row in rows
    ]
