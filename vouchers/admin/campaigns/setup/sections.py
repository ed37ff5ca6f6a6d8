"""The sections of the set-up page: what each shows of a draft, and the one service that saves it.

What can be typed comes from the declaration of the terms, through the campaign's form and inlines.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from vouchers.admin.campaigns.drafts import row_edits
from vouchers.admin.campaigns.inlines import CellInline, LimitInline, RingInline, RoundInline
from vouchers.admin.campaigns.setup.fields import made_ready
from vouchers.admin.campaigns.setup.money import (
    source_edits,
    source_rows,
    tier_edits,
    tier_rows,
)
from vouchers.admin.forms import AUDIENCE, StoresOf
from vouchers.models import Campaign, LimitRule, Round
from vouchers.rules.audience.filters import AudienceFilter
from vouchers.rules.campaigns.declaration import CAMPAIGN, Section, Unit, Until
from vouchers.services.campaigns import drafts, setting_up, terms

LEAVE: Final = "leave"
"""The field that names a merchant whose stores are to leave."""


@dataclass(frozen=True)
class Signature:
    """Who saves what they saw, and when."""

    seen_edit: int
    by: User
    at: datetime


@dataclass(frozen=True)
class Line:
    """A row of a table: its form and what it is called; a new one is for typing in."""

    form: Any
    name: str
    is_new: bool


@dataclass(frozen=True)
class Table:
    """Rows of a section below a heading; an empty heading is the section's own."""

    heading: Any
    rows: Any

    @property
    def lines(self) -> list[Line]:
        """The rows in their order, those to type in last."""
        return [_line(form) for form in self.rows.forms]


def _line(form: Any) -> Line:
    row: Any = getattr(form, "instance", None)
    is_new = form.is_new if row is None else row.pk is None
    name = getattr(form, "summary", "")
    if not name:
        thing = row._meta.verbose_name
        name = _("another %(thing)s") % {"thing": thing} if is_new else _named_row(row)
    return Line(form, str(name), is_new)


def _named_row(row: Any) -> Any:
    """What a row is called where its campaign is known."""
    if isinstance(row, LimitRule):
        return row.get_kind_display()
    return f"#{row.number}" if isinstance(row, Round) else row


@dataclass
class Shown:
    """A section with its forms: that of its options, and tables of rows."""

    key: str
    title: Any
    form: Any = None
    tables: list[Table] = field(default_factory=list)
    facts: Any = None

    @property
    def forms(self) -> list[Any]:
        """All that has to be valid."""
        return [*([self.form] if self.form else []), *(table.rows for table in self.tables)]

    @property
    def has_changed(self) -> bool:
        """Whether anything was typed; what was not is not saved again."""
        return any(form.has_changed() for form in self.forms if form.is_bound)

    def is_valid(self) -> bool:
        """Whether everything that was sent can be saved."""
        return all(form.is_valid() for form in self.forms if form.is_bound)


Build = Callable[[Any, HttpRequest, Campaign, Any], Shown]
Keep = Callable[[Campaign, Shown, Signature, Mapping[str, Any]], None]


@dataclass(frozen=True)
class SetupSection:
    """How a section is shown and saved."""

    key: str
    title: Any
    build: Build
    keep: Keep


class TableCells(CellInline):
    """Quotas of slices; those of a tier alone stand with the tiers."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        others = ("round", "district", "source", "store", "channel", "day")
        only_tier = {"tier__isnull": False} | {f"{name}__isnull": True for name in others}
        return rows.exclude(**only_tier)


def _named(*headings: Section) -> list[str]:
    """The fields of the options below these headings that a draft may change."""
    names: list[str] = []
    for option in CAMPAIGN:
        if option.section not in headings or option.until is Until.CREATED:
            continue
        if option.unit is Unit.AUDIENCE:
            names.extend(AUDIENCE + name for name in AudienceFilter.__dataclass_fields__)
        else:
            names.append(option.name)
    return names


def _options_form(
    page: Any, request: HttpRequest, campaign: Campaign, data: Any, key: str, names: Sequence[str]
) -> Any:
    """The campaign's form with these fields alone."""
    made = page.get_form(request, campaign, change=True, fields=list(names))
    made_ready(made)
    form = made(data, instance=campaign, prefix=key)
    for name in set(form.fields) - set(names):
        del form.fields[name]
    form.order_fields(names)
    return form


def _rows(inline: Any, page: Any, request: HttpRequest, campaign: Campaign, data: Any) -> Any:
    """The rows of a part, and one more to type in."""
    made = inline(Campaign, page.admin_site)
    formset = made.get_formset(request, campaign, extra=1)
    made_ready(formset.form)
    return formset(
        data=data,
        instance=campaign,
        prefix=formset.get_default_prefix(),
        queryset=made.get_queryset(request),
    )


def _terms(
    key: str, title: Any, headings: Iterable[Section], inlines: Iterable[tuple[Any, Any]] = ()
) -> SetupSection:
    """A section of options and parts that `edit_campaign` saves in one edit."""
    names = _named(*headings)
    tables = tuple(inlines)

    def build(page: Any, request: HttpRequest, campaign: Campaign, data: Any) -> Shown:
        form = _options_form(page, request, campaign, data, key, names) if names else None
        shown = [
            Table(heading, _rows(inline, page, request, campaign, data))
            for heading, inline in tables
        ]
        return Shown(key, title, form, shown)

    def save(campaign: Campaign, shown: Shown, signed: Signature, _data: Mapping[str, Any]) -> None:
        parts = {
            rows.get_default_prefix(): row_edits(rows)
            for rows in (table.rows for table in shown.tables)
        }
        drafts.edit_campaign(
            campaign=campaign,
            seen_edit=signed.seen_edit,
            options=shown.form.options() if shown.form else {},
            parts={name: edits for name, edits in parts.items() if edits},
            by=signed.by,
            at=signed.at,
        )

    return SetupSection(key, title, build, save)


def _money(_page: Any, _request: HttpRequest, campaign: Campaign, data: Any) -> Shown:
    rows = source_rows(campaign, data, prefix="sources")
    return Shown("money", MONEY, tables=[Table("", rows)])


def _save_money(
    campaign: Campaign, shown: Shown, signed: Signature, _data: Mapping[str, Any]
) -> None:
    setting_up.edit_sources(
        campaign=campaign,
        seen_edit=signed.seen_edit,
        sources=source_edits(shown.tables[0].rows),
        by=signed.by,
        at=signed.at,
    )


def _tiers(page: Any, request: HttpRequest, campaign: Campaign, data: Any) -> Shown:
    rows = tier_rows(page.admin_site, request, campaign, data, prefix="tiers")
    return Shown("tiers", TIERS, tables=[Table("", rows)])


def _save_tiers(
    campaign: Campaign, shown: Shown, signed: Signature, _data: Mapping[str, Any]
) -> None:
    setting_up.edit_tiers(
        campaign=campaign,
        seen_edit=signed.seen_edit,
        tiers=tier_edits(shown.tables[0].rows),
        by=signed.by,
        at=signed.at,
    )


def _stores(_page: Any, _request: HttpRequest, campaign: Campaign, data: Any) -> Shown:
    """Who takes part, by merchant; the form to add more stays empty when some are taken out."""
    added = None if data is not None and LEAVE in data else data
    merchants = campaign.participations.values("store__merchant", "store__merchant__name")
    return Shown(
        "stores",
        STORES,
        form=StoresOf(added, prefix="stores"),
        facts=merchants.annotate(count=Count("id")).order_by("store__merchant__name"),
    )


def _save_stores(
    campaign: Campaign, shown: Shown, signed: Signature, data: Mapping[str, Any]
) -> None:
    if LEAVE in data:
        rows = campaign.participations.filter(store__merchant=number_sent(data[LEAVE]))
        drafts.edit_campaign(
            campaign=campaign,
            seen_edit=signed.seen_edit,
            options={},
            parts={"participations": [drafts.RowEdit(row.pk, None) for row in rows]},
            by=signed.by,
            at=signed.at,
        )
        return
    terms.add_stores(
        campaign=campaign,
        stores=shown.form.stores(),
        category=shown.form.cleaned_data["category"],
        seen_edit=signed.seen_edit,
        by=signed.by,
        at=signed.at,
    )


def number_sent(text: str) -> int:
    """An id that was sent; 0 is nothing's."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


BASICS = _("Basics")
MONEY = _("Money by source")
TIERS = _("Tiers")
STORES = _("Stores")

SECTIONS: Final = (
    _terms("basics", BASICS, (Section.GENERAL, Section.PERIOD)),
    SetupSection("money", MONEY, _money, _save_money),
    SetupSection("tiers", TIERS, _tiers, _save_tiers),
    _terms("rounds", _("Rounds"), (), [("", RoundInline)]),
    SetupSection("stores", STORES, _stores, _save_stores),
    _terms("audience", _("Audience"), (Section.AUDIENCE,), [(_("Distance rings"), RingInline)]),
    _terms(
        "limits",
        _("Limits and quotas"),
        (),
        [(_("Limits"), LimitInline), (_("Quotas of a slice of the budget"), TableCells)],
    ),
    _terms("redemption", _("Redemption options"), (Section.MONEY,)),
)
"""In the order of the page."""

BY_KEY: Final[Mapping[str, SetupSection]] = {section.key: section for section in SECTIONS}
