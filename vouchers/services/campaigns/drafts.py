"""Edits of a draft as its pages send them: options and rows of several parts, all or none.

Two managers may have the same page open. Each edit names the newest edit that its page showed
(`seen_edit`); a draft edited since is refused, so that no change is overwritten unseen.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Model, ProtectedError

from merchants.errors import Refused
from vouchers.models import Campaign, CampaignEdit, Geofence, QuotaCell, Tier
from vouchers.rules.campaigns.declaration import CAMPAIGN, PARTS, Until
from vouchers.rules.campaigns.soundness import area_fault
from vouchers.rules.campaigns.terms import INVALID
from vouchers.services.campaigns.terms import check_amounts, note_edit, set_split
from vouchers.services.refusals import refuse, refused_by_database

EDITABLE: Final = frozenset(option.name for option in CAMPAIGN if option.until is not Until.CREATED)
RELATIONS: Final = frozenset(part.relation for part in PARTS) - {"sources", "tiers"}
"""The parts that are edited row by row; sources and tiers have services of their own."""

AMOUNTS: Final = ("_fen", "_count")
"""How the names of columns end that hold amounts and numbers of vouchers."""

SLICE: Final = frozenset({"tier", "round", "district", "store", "source", "channel", "day"})


@dataclass(frozen=True, slots=True)
class RowEdit:
    """One row of a part: without `pk` a new one, without `values` a deletion."""

    pk: int | None
    values: Mapping[str, Any] | None


def newest_edit(campaign: Campaign) -> int:
    """The id of the draft's last edit; 0 where there is none."""
    last = (
        CampaignEdit.objects.filter(campaign=campaign).order_by("-id").values_list("id", flat=True)
    )
    return last.first() or 0


def edit_campaign(
    *,
    campaign: Campaign,
    seen_edit: int,
    options: Mapping[str, Any],
    parts: Mapping[str, Sequence[RowEdit]],
    by: User,
    at: datetime,
) -> None:
    """Change options of a draft and rows of its parts (by relation), in one transaction.

    Refuses `not_permitted`, `campaign_state`, `terms_not_as_seen` when the draft was edited after
    `seen_edit`, `terms_invalid` or `dates_cross` with the broken constraint as the rule, and
    `cell_of_appropriation`.
    """
    if fixed := sorted(options.keys() - EDITABLE):
        raise Refused(INVALID, "option_fixed", option=fixed[0])
    with refused_by_database(), transaction.atomic():
        what = ", ".join([*(["campaign"] if options else []), *sorted(parts)])
        held = note_edit(campaign=campaign, by=by, what=what, at=at, seen_edit=seen_edit)
        assign(held, options)
        # Rows go in one order and come in the other: cells stand on rounds.
        for relation in sorted(parts, key=_standing, reverse=True):
            _delete(_rows(held, relation), parts[relation])
        for relation in sorted(parts, key=_standing):
            _write(held, relation, parts[relation])


def edit_tier(
    *,
    tier: Tier,
    seen_edit: int,
    values: Mapping[str, Any],
    split: Mapping[str, int],
    by: User,
    at: datetime,
) -> None:
    """Change a tier of a draft; `split` is what each source (by code) pays of the new face, in fen.

    Refuses as `edit_campaign` and `terms.set_split` do.
    """
    check_amounts(*split.values())
    with refused_by_database(), transaction.atomic():
        what = f"tier {tier.code}"
        note_edit(campaign=tier.campaign, by=by, what=what, at=at, seen_edit=seen_edit)
        held = Tier.objects.get(pk=tier.pk)
        assign(held, values)
        set_split(held, split)


def delete_tier(*, tier: Tier, by: User, at: datetime) -> None:
    """Delete a tier of a draft. Refuses `not_permitted`, `campaign_state`, and `terms_invalid`
    while a quota cell names it."""
    with refused_by_database(), transaction.atomic():
        note_edit(campaign=tier.campaign, by=by, what=f"tier {tier.code} deleted", at=at)
        remove_rows([tier])


def _standing(relation: str) -> bool:
    return relation == "cells"


def _rows(campaign: Campaign, relation: str) -> Any:
    if relation not in RELATIONS:
        raise ValueError(f"not edited row by row: {relation}")
    return getattr(campaign, relation)


def assign(row: Model, values: Mapping[str, Any]) -> None:
    """Other values in a row of a draft; inside an edit's transaction."""
    _fill(row, values)
    if values:
        row.save(update_fields=list(values))


def _fill(row: Model, values: Mapping[str, Any]) -> None:
    check_amounts(*(value for name, value in values.items() if name.endswith(AMOUNTS)), least=0)
    for name, value in values.items():
        setattr(row, name, value)


def _delete(rows: Any, edits: Sequence[RowEdit]) -> None:
    deleted = list(rows.filter(pk__in=[edit.pk for edit in edits if edit.values is None]))
    for row in deleted:
        _check_source_cell(row)
    remove_rows(deleted)


def _check_source_cell(row: Model) -> None:
    """The quota cell of a source repeats what it appropriates, and changes with that figure only.

    Refuses `cell_of_appropriation`.
    """
    if isinstance(row, QuotaCell) and row.source_id is not None:
        others = ("tier_id", "round_id", "district_id", "store_id", "channel", "day")
        if all(getattr(row, name) is None for name in others):
            raise Refused("cell_of_appropriation", "own_proposal", cell=str(row))


def remove_rows(rows: Iterable[Model]) -> None:
    """Delete rows of a draft; inside an edit's transaction. Refuses what others stand on."""
    for row in rows:
        try:
            row.delete()
        except ProtectedError as error:
            raise Refused(INVALID, "part_in_use", part=str(row)) from error


def _write(campaign: Campaign, relation: str, edits: Sequence[RowEdit]) -> None:
    rows, fresh = _rows(campaign, relation), []
    for number, edit in enumerate(edits, 1):
        if edit.values is None:
            continue
        row = rows.model(campaign=campaign) if edit.pk is None else rows.get(pk=edit.pk)
        values = _with_boundary(row, edit.values)
        if values.get("geometry") is not None:
            refuse(area_fault(values["geometry"], number=number))
        if edit.pk is None:
            fresh.append(_filled(row, values))
            continue
        if values.keys() - {"bucket_count"}:
            _check_source_cell(row)
        if isinstance(row, QuotaCell) and SLICE & values.keys():
            # A cell never changes its slice: another takes its place.
            row.delete()
            add_row(row, values)
        else:
            assign(row, values)
    rows.model.objects.bulk_create(fresh)


def _with_boundary(row: Model, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """With the boundary on file where a street is chosen: what is approved is the area itself, not
    a name whose area an import may change.

    Refuses `terms_invalid` where another area is given with the street.
    """
    street = values.get("street", row.street) if isinstance(row, Geofence) else None
    if street is None:
        return values
    if values.get("geometry") not in (None, street.boundary):
        raise Refused(INVALID, "geofence_has_its_area")
    return {**values, "geometry": street.boundary}


def add_row(row: Model, values: Mapping[str, Any]) -> None:
    """A new row of a draft; inside an edit's transaction."""
    _filled(row, values).save(force_insert=True)


def _filled(row: Model, values: Mapping[str, Any]) -> Model:
    """A row with these values, not saved yet."""
    _fill(row, values)
    _check_source_cell(row)
    return row
