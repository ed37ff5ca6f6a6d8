"""A terms document as tables that a person can decide on; nothing of it is left out."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from vouchers.admin.words import in_words, label, model_of
from vouchers.queries.campaigns.stores import store_names
from vouchers.rules.campaigns.declaration import CAMPAIGN, PARTS, Option, Part

Table = dict[str, Any]


def terms_tables(document: Mapping[str, Any]) -> list[Table]:
    """The campaign's own options, then a table per part; instants in the campaign's zone."""
    zone = ZoneInfo(document["campaign"]["zone"])
    return [
        {**campaign_table(document["campaign"]), "title": _("Campaign")},
        *(_part_table(part, document[part.name], zone) for part in PARTS),
    ]


def campaign_table(campaign: Mapping[str, Any]) -> Table:
    """The campaign's own options, a row each."""
    zone = ZoneInfo(campaign["zone"])
    return {
        "headers": [],
        "rows": [
            [capfirst(label(option)), in_words(option, campaign[option.name], zone)]
            for option in CAMPAIGN
            if option.name in campaign
        ],
    }


def _part_table(part: Part, rows: list[dict[str, Any]], zone: ZoneInfo) -> Table:
    model = model_of(part)
    names = store_names({row["store"] for row in rows}) if part.name == "stores" else {}

    def said(option: Option, row: Mapping[str, Any]) -> Any:
        words = in_words(option, row[option.name], zone, model)
        name = names.get((row["merchant"], row["store"])) if option.name == "store" else None
        return f"{name} ({words})" if name else words

    return {
        "title": f"{capfirst(model._meta.verbose_name_plural or '')} ({len(rows)})",
        "headers": [label(option, model) for option in part.options] if rows else [],
        "rows": [[said(option, row) for option in part.options] for row in rows],
    }
