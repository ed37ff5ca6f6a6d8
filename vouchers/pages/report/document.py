"""The report as one HTML document: styles within, figures as SVG, no script and no request."""

from typing import Any, Final

from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from vouchers.figures import (
    Item,
    Shape,
    Spot,
    Words,
    area_map,
    bars,
    data_table,
    step_line,
)
from vouchers.http.refusal_names import refusal_name
from vouchers.models.limits.risk import RISK_KINDS, RISK_SETTINGS, RISK_VERDICTS
from vouchers.money import yuan
from vouchers.pages.budget import as_html, identity_figure
from vouchers.queries.proofs.report import CampaignReport
from vouchers.rules.proofs.anonymity import LEAST_PERSONS, Group, Publishable

INVARIANTS: Final = {
    1: gettext_lazy("the budget identity holds for every source and slice"),
    2: gettext_lazy("what was claimed was claimed while its round was open"),
    3: gettext_lazy("every posting sums to zero, and none was changed or removed"),
    4: gettext_lazy("vouchers, redemptions and counters add up to the ledger"),
    5: gettext_lazy("a voucher was redeemed at most once, and where its terms allow"),
    6: gettext_lazy("the terms of issued vouchers are those approved"),
    7: gettext_lazy("one request had one effect"),
    8: gettext_lazy("limits of residents and their devices were kept"),
    9: gettext_lazy("risk figures are those of the rows"),
    11: gettext_lazy("every redemption is settled once"),
    12: gettext_lazy("residents were targeted by the distances measured again"),
}
"""What the audit recomputes, by the number of the invariant."""
NOT_PROVEN: Final = (
    gettext_lazy(
        "That the subsidy caused the orders: leverage divides order amounts by subsidy, and people"
        " might have bought without it. Only a comparison with people left out could tell."
    ),
    gettext_lazy(
        "That the goods changed hands: the books know what tills sent, not what was in the bag."
    ),
    gettext_lazy("That no fraud went unnoticed: signals count what the rules looked for."),
    gettext_lazy(
        "That the places on file are true: distances are exact, homes are as they were registered."
    ),
    gettext_lazy(
        "That the banks have paid: the books hold payment instructions, not bank statements."
    ),
    gettext_lazy(
        "Anything about a person: groups below ten people are shown only together with others."
    ),
)


def report_html(report: CampaignReport, *, language: str) -> str:
    """The whole document in one language."""
    with translation.override(language):
        return render_to_string("vouchers/report/report.html", _context(report, language))


def _context(report: CampaignReport, language: str) -> dict[str, Any]:
    figures = report.figures
    return {
        "report": report,
        "language": language,
        "css": _css(),
        "approval_no": settings.HUIMIN_MAP_APPROVAL_NO,
        "cards": [
            (_("Appropriated"), yuan(sum(row.appropriated_fen for row in report.identity)), ""),
            (_("Issued"), f"{figures.issued_count:,}", yuan(figures.issued_fen)),
            (_("Redeemed"), f"{figures.redeemed_count:,}", yuan(figures.discount_fen)),
            (_("Order amount"), yuan(figures.order_fen), ""),
            (
                _("Leverage"),
                f"{figures.leverage:.2f}",
                _("yuan of orders for each yuan of subsidy"),
            ),
            (_("Small shops"), _pct(report.small_shops_pct), _("of the subsidy")),
            (_("People of 60 and over"), _pct(report.elders_pct), _("of the subsidy")),
            *_control_group(report),
        ],
        "is_balanced": all(row.off_fen == 0 for row in report.identity),
        "identity": [
            identity_figure(f"identity-{number}", row) for number, row in enumerate(report.identity)
        ],
        "days": _days(report),
        "refusals": _refusals(report),
        "districts": _places("districts", _("Subsidy by district"), report.districts),
        "stores": _places("stores", _("Subsidy by store"), report.stores),
        "map": _map(report),
        "signals": _signals(report),
        "held": yuan(report.held_fen),
        "least": LEAST_PERSONS,
        "findings": _findings(report),
        "not_proven": NOT_PROVEN,
    }


def _control_group(report: CampaignReport) -> list[tuple[str, str, str]]:
    """A card, where the terms ask for a control group."""
    if not report.campaign.hold_out_bp:
        return []
    is_public = report.held_out >= LEAST_PERSONS
    people = f"{report.held_out:,}" if is_public else _("too few people")
    return [(_("Control group"), people, _("reached, and left out to compare with"))]


def _css() -> SafeString:
    texts = []
    for name in ("figures.css", "report.css"):
        path = finders.find(f"vouchers/{name}") or ""
        with open(path, encoding="utf-8") as file:
            texts.append(file.read())
    return mark_safe("\n".join(texts))  # noqa: S308 (two files of ours)


def _days(report: CampaignReport) -> list[SafeString]:
    heads = (_("day"), _("amount"))
    lines = (
        ("issued", _("Issued by day"), [row.issued_fen for row in report.days]),
        ("redeemed", _("Redeemed by day"), [row.redeemed_fen for row in report.days]),
    )
    drawn = []
    for name, title, values_fen in lines:
        items = [
            Item(f"{row.day:%Y-%m-%d}", fen, yuan(fen))
            for row, fen in zip(report.days, values_fen, strict=True)
        ]
        total = yuan(sum(values_fen))
        words = Words(title, f"{title}: {total}", heads, _("numbers"))
        drawn.append(as_html(step_line(name, words, items)))
    return drawn


def _refusals(report: CampaignReport) -> SafeString:
    items = [
        Item(refusal_name(code), count, f"{count:,}", "refused") for code, count in report.refusals
    ]
    total = sum(count for _code, count in report.refusals)
    title = _("Refusals by reason")
    words = Words(title, f"{title}: {total:,}", (_("reason"), _("times")), _("numbers"))
    coded = [(refusal_name(code), code, f"{count:,}") for code, count in report.refusals]
    table = data_table((_("reason"), _("code"), _("times")), coded)
    return as_html(bars("refusals", words, items[:12]) + table)


def _places(name: str, title: str, groups: Publishable) -> SafeString:
    items = [
        Item(group.label or _("unknown"), group.discount_fen, yuan(group.discount_fen))
        for group in groups.shown
    ]
    if groups.others:
        fen = groups.others.discount_fen
        items.append(Item(_("all others"), fen, yuan(fen), "others"))
    if not items:
        return as_html("")
    words = Words(title, title, (_("place"), _("subsidy")), _("numbers"))
    return as_html(bars(name, words, items))


def _map(report: CampaignReport) -> SafeString:
    most = max((area.discount_fen or 0 for area in report.areas), default=0) or 1
    most_store = max((place.discount_fen or 0 for place in report.places), default=0) or 1
    shapes = [
        Shape(
            area.name,
            dict(area.geometry),
            None if area.discount_fen is None else area.discount_fen / most,
        )
        for area in report.areas
    ]
    spots = [
        Spot(
            place.name,
            place.longitude_deg,
            place.latitude_deg,
            ((place.discount_fen or 0) / most_store) ** 0.5,
        )
        for place in report.places
    ]
    title = _("Districts by subsidy, and the stores that took part")
    text = _("The darker a district and the larger a store, the more subsidy; grey: not shown.")
    heads = (_("district · street"), _("people"), _("vouchers"), _("subsidy"))
    words = Words(title, text, heads, _("numbers"))
    return as_html(area_map("map", words, shapes, spots, _map_rows(report)))


def _map_rows(report: CampaignReport) -> list[tuple[str, ...]]:
    """Each district shown, then its streets where some are on file; what is left is one row."""
    rows = []
    for district in report.districts.shown:
        name, streets = district.label or _("unknown"), report.streets[district.key]
        rows.append(_map_row(name, district))
        if any(street.key for street in streets.shown):
            rows += _map_rows_of(streets, f"{name} · ")
    return rows + _others_row(report.districts, "")


def _map_rows_of(groups: Publishable, before: str) -> list[tuple[str, ...]]:
    shown = [_map_row(before + (group.label or _("unknown")), group) for group in groups.shown]
    return shown + _others_row(groups, before)


def _others_row(groups: Publishable, before: str) -> list[tuple[str, ...]]:
    """Of several groups together it is only known how many people there are at least."""
    if not groups.others:
        return []
    label, people, *figures = _map_row(before + _("all others"), groups.others)
    return [(label, f"≥ {people}", *figures)]


def _map_row(label: str, group: Group) -> tuple[str, ...]:
    return label, f"{group.persons:,}", f"{group.count:,}", yuan(group.discount_fen)


def _signals(report: CampaignReport) -> SafeString:
    kinds, settings_, verdicts = dict(RISK_KINDS), dict(RISK_SETTINGS), dict(RISK_VERDICTS)
    rows = [
        (
            str(kinds.get(row.kind, row.kind)),
            str(settings_.get(row.setting, row.setting)),
            str(verdicts.get(row.verdict, row.verdict)),
            f"{row.times:,}",
            f"{row.refused_times:,}",
        )
        for row in report.signals
    ]
    heads = (_("rule"), _("setting"), _("verdict"), _("signals"), _("refused"))
    return as_html(data_table(heads, rows)) if rows else as_html("")


def _findings(report: CampaignReport) -> list[tuple[Any, int, int]]:
    """(invariant in words, checks, rows that break it)."""
    if report.audit is None:
        return []
    found: dict[int, list[int]] = {}
    for finding in report.audit.report.get("findings", []):
        found.setdefault(finding["invariant"], []).append(finding["broken_count"])
    return [
        (INVARIANTS.get(number, number), len(counts), sum(counts))
        for number, counts in sorted(found.items())
    ]


def _pct(share: float | None) -> str:
    return _("too few people") if share is None else f"{share:.1f} %"
