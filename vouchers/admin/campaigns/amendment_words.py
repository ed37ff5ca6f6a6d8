"""Amendments in words: what an approval would widen, from which value to which."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from vouchers.admin.campaigns.proposal_words import Line
from vouchers.admin.words import in_words, label, model_of
from vouchers.models import TermsVersion
from vouchers.rules.campaigns.declaration import Option, Part
from vouchers.rules.campaigns.differences import ChangedPart, ChangedRow, differences

MOST_NAMED: Final = 5
"""So many stores are named; of more only the number is given."""


def amendment_lines(version: TermsVersion) -> list[Line]:
    """Line by line what an approval would do; none for terms that amend nothing."""
    if version.amends is None:
        return []
    zone = ZoneInfo(version.document["campaign"]["zone"])
    found = differences(version.amends.document, version.document)
    return [
        *(
            (
                str(capfirst(label(one.option))),
                _change(
                    in_words(one.option, one.before, zone), in_words(one.option, one.after, zone)
                ),
            )
            for one in found.options
        ),
        *(line for changed in found.parts for line in _part_lines(changed, zone)),
    ]


def _part_lines(changed: ChangedPart, zone: ZoneInfo) -> list[Line]:
    joining = [row.after for row in changed.rows if row.before is None and row.after is not None]
    raised = [row for row in changed.rows if row.changed]
    return [
        *(line for row in raised for line in _limit_lines(changed.part, row, zone)),
        *([(_("Stores that join"), _stores(joining))] if joining else []),
    ]


def _limit_lines(part: Part, row: ChangedRow, zone: ZoneInfo) -> list[Line]:
    model = model_of(part)

    def said(option: Option, value: Any) -> str:
        return _("unlimited") if value is None else in_words(option, value, zone, model)

    named = {option.name: option for option in part.options}
    kind = in_words(named["kind"], (row.after or {})["kind"], zone, model)
    return [
        (
            _("Limit %(kind)s, %(figure)s") % {"kind": kind, "figure": label(one.option, model)},
            _change(said(one.option, one.before), said(one.option, one.after)),
        )
        for one in row.changed
    ]


def _stores(rows: Sequence[Mapping[str, Any]]) -> str:
    count = ngettext("%(count)s store", "%(count)s stores", len(rows)) % {"count": f"{len(rows):,}"}
    if len(rows) > MOST_NAMED:
        return count
    names = ", ".join(f"{row['merchant']} {row['store']}" for row in rows)
    return _("%(count)s: %(names)s") % {"count": count, "names": names}


def _change(before: str, after: str) -> str:
    return f"{before} → {after}"
