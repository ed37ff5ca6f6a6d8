"""A preview as people read it: tables of money, bars of people. The command prints the same."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from merchants.errors import Refused
from merchants.models import District, Store, Street
from vouchers.admin.campaigns.overview import (
    Bar,
    Table,
    count_bars,
    count_text,
)
from vouchers.admin.faults import sentence
from vouchers.http.explanations import reason_name
from vouchers.models import Campaign, FundingSource
from vouchers.money import yuan
from vouchers.rules.audience.figures import AGE_BANDS
from vouchers.services.audience.preview import Preview, preview

BARS_SHOWN: Final = 20
Groups = list[tuple[str, list[Bar]]]


def preview_page(site: Any, request: HttpRequest, campaign: Campaign, options: Any) -> HttpResponse:
    """The page of a campaign's preview, or back to the campaign with why there is none."""
    by: Any = request.user
    try:
        found = preview(campaign=campaign, by=by, at=timezone.now())
    except Refused as refused:
        if refused.refusal.code == "not_permitted":
            raise PermissionDenied from refused
        messages.error(request, sentence(refused.refusal, get_language() or "en"))
        return HttpResponseRedirect(reverse("admin:vouchers_campaign_change", args=[campaign.pk]))
    context = {
        **site.each_context(request),
        "title": _("Audience as of now"),
        "opts": options,
        "campaign": campaign,
        "targeted": count_text(found.figures.targeted),
        "examined": count_text(found.figures.examined),
        "tables": preview_tables(campaign, found),
        "groups": preview_groups(found),
    }
    return TemplateResponse(request, "vouchers/preview.html", context)


def preview_tables(campaign: Campaign, found: Preview) -> list[Table]:
    """What one distribution would issue and cost, by tier and by source; then every store with the
    people it adds, and stores to check."""
    tables = [_issue(campaign, found), _sources(campaign, found), _stores(found)]
    if found.stray_store_ids:
        strays = Store.objects.filter(pk__in=found.stray_store_ids).select_related("district")
        tables.append(
            {
                "title": _("Stores outside the district they state"),
                "headers": [_("store"), _("district")],
                "rows": [[str(store), str(store.district or "–")] for store in strays],
            }
        )
    return tables


def _issue(campaign: Campaign, found: Preview) -> Table:
    expected = found.expectation
    names = dict(campaign.tiers.values_list("code", "name"))
    rows = [
        [names[tier.code], f"{tier.wanted:,}", f"{tier.issued:,}", yuan(tier.cost_fen)]
        for tier in expected.tiers
    ]
    return {
        "title": _("One distribution would issue"),
        "headers": [_("tier"), _("wanted"), _("under the quota"), _("cost at most")],
        "rows": [*rows, [_("sum"), "", "", yuan(expected.cost_fen)]],
        "note": _("Quotas by channel or day, or by district and store at once, are not considered.")
        if expected.is_partial
        else "",
    }


def _sources(campaign: Campaign, found: Preview) -> Table:
    names = dict(FundingSource.objects.filter(campaign=campaign).values_list("id", "name"))
    return {
        "title": _("Paid by"),
        "headers": [_("source"), _("cost at most")],
        "rows": [
            [names.get(source_id, str(source_id)), yuan(fen)]
            for source_id, fen in found.expectation.by_source.items()
        ],
    }


def _stores(found: Preview) -> Table:
    """All stores, those that add most first. None and a few look the same."""
    figures, names = found.figures, _store_names(found)
    ranked = sorted(
        names,
        key=lambda at: (-(figures.only_by_store.get(at) or 0), -(figures.stores.get(at) or 0)),
    )
    return {
        "title": _("All stores"),
        "headers": [_("store"), _("nearest for"), _("reached by it alone")],
        "rows": [
            [
                names[at],
                count_text(figures.stores.get(at) or None),
                count_text(figures.only_by_store.get(at) or None),
            ]
            for at in ranked
        ],
    }


def _store_names(found: Preview) -> dict[int, str]:
    """By the position that the figures use: name and number."""
    rows = Store.objects.filter(pk__in=found.store_ids).values_list("id", "name", "external_id")
    names = {pk: f"{name} ({number})" for pk, name, number in rows}
    return {at: names[pk] for at, pk in enumerate(found.store_ids)}


def preview_groups(found: Preview) -> Groups:
    """A preview's people as titled groups of bars, larger first; rings and ages stay in order."""
    figures = found.figures
    districts = dict(District.objects.values_list("adcode", "name"))
    stores = _store_names(found)
    names_of_streets = {row.pk: str(row) for row in Street.objects.select_related("district")}
    streets = {at: names_of_streets[code] for at, code in enumerate(found.street_codes)}
    rings = {found.ring_labels[at]: count for at, count in figures.rings.items()}
    return [
        (_("By ring"), count_bars(rings)),
        _largest(_("By district"), figures.districts, lambda key: _district(districts, key)),
        _largest(
            _("By street of residence"),
            figures.streets,
            lambda key: f"{_district(districts, key[0])} · {key[1]}",
        ),
        _largest(_("By street in which the place lies"), figures.areas, streets.__getitem__),
        (_("By age"), count_bars({_ages(key): n for key, n in figures.ages.items()})),
        _largest(_("By tag"), figures.tags, lambda key: _("tag %d") % key),
        _largest(_("By nearest store"), figures.stores, stores.__getitem__),
        _largest(_("Reached by this store alone"), figures.only_by_store, stores.__getitem__),
        (
            _("Not targeted, because"),
            count_bars(
                {reason_name(code): n for code, n in figures.untargeted.items()},
                kind="untargeted",
            ),
        ),
        (
            _("Unusable coordinates"),
            count_bars(
                {_(fault.sentence): n for fault, n in figures.coordinates.items()},
                kind="untargeted",
            ),
        ),
    ]


def _largest(
    title: str, counts: Mapping[Any, int | None], name: Callable[[Any], str]
) -> tuple[str, list[Bar]]:
    """A group of the largest; its title says how many there are, if they are more."""
    ranked = sorted(counts.items(), key=lambda item: -(item[1] or 0))[:BARS_SHOWN]
    if len(counts) > len(ranked):
        title = _("%(title)s (%(shown)d of %(all)d shown)") % {
            "title": title,
            "shown": len(ranked),
            "all": len(counts),
        }
    return title, count_bars({name(key): count for key, count in ranked})


def _district(names: Mapping[int, str], adcode: int) -> str:
    return f"{names[adcode]} ({adcode})" if adcode in names else _("unknown")


def _ages(begins: int | None) -> str:
    if begins is None:
        return _("unknown")
    after = [start for start in AGE_BANDS if start > begins]
    return f"{begins}–{after[0] - 1}" if after else f"{begins}+"
