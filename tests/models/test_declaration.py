"""The declaration of the terms against the tables: complete, and frozen by the database itself."""

import re
from typing import Any
from zoneinfo import ZoneInfo

import pgtrigger
import pytest
from django.db import DatabaseError, connection, models, transaction

from tests.support import cast
from tests.support.cast import NOON
from vouchers.admin.faults import FAULTS
from vouchers.admin.forms import AUDIENCE, AudienceForm
from vouchers.admin.words import in_words, label, model_of
from vouchers.http.explanations import PHRASES
from vouchers.models import Campaign, TierSplit
from vouchers.queries.campaigns.terms import document_of
from vouchers.rules.audience.filters import AudienceFilter
from vouchers.rules.campaigns.declaration import (
    CAMPAIGN,
    OPTIONS,
    PARTS,
    WIDENED,
    Option,
    Part,
    Until,
)
from vouchers.rules.campaigns.terms import Terms
from vouchers.services.campaigns import lifecycle as campaigns

pytestmark = pytest.mark.django_db

# Columns of a campaign that promise nothing: its place in the lifecycle, and who made it.
NO_OPTIONS = {
    "id",
    "state",
    "paused_until_at",
    "terms",
    "created_by",
    "created_at",
    "closing_document_no",
}


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    return cast.running_campaign()


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


@pytest.fixture(scope="module")
def standing_draft(rows_of_module: None) -> Campaign:
    return cast.spring_campaign(code="draft")


@pytest.fixture
def draft(standing_draft: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing_draft.pk)


def other_value(option: Option) -> Any:
    """SQL for a value that the column does not have yet and its constraints allow."""
    column: Any = Campaign._meta.get_field(option.name)
    if isinstance(column, models.JSONField):
        return f"{option.name} || '\"x\"'::jsonb"
    if isinstance(column, models.BooleanField):
        return f"NOT {option.name}"
    if isinstance(column, models.DateTimeField):
        return f"{option.name} + interval '1 second'"
    if isinstance(column, models.IntegerField):
        return f"{option.name} + 1"
    known = {"refund_policy": "'forfeit'", "selection_method": "'random'"}
    return known.get(option.name, f"{option.name} || 'x'")


def change(campaign: Campaign, option: Option) -> None:
    """Write the column past every service, as a slip in the code would."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE vouchers_campaign SET {option.name} = {other_value(option)} WHERE id = %s",
            [campaign.pk],
        )
        assert cursor.rowcount == 1


def triggers_of(model: Any) -> list[pgtrigger.Trigger]:
    return [trigger for owner, trigger in pgtrigger.registered() if owner is model]


def test_every_column_of_a_campaign_is_declared() -> None:
    columns = {column.name for column in Campaign._meta.concrete_fields}
    assert columns == OPTIONS.keys() | NO_OPTIONS


def test_the_document_has_what_is_declared_and_nothing_else() -> None:
    document = document_of(cast.spring_campaign())
    assert document.keys() == {"campaign", *(part.name for part in PARTS)}
    assert document["campaign"].keys() == OPTIONS.keys()
    for part in PARTS:
        for row in document[part.name]:
            assert row.keys() == {option.name for option in part.options}


def test_what_has_bounds_is_among_the_facts_that_rules_judge() -> None:
    bounded = {o.name for o in CAMPAIGN if o.least is not None or o.most is not None}
    assert bounded - {"radius_m"} <= Terms.__dataclass_fields__.keys()


@pytest.mark.parametrize("option", CAMPAIGN, ids=lambda option: option.name)
def test_an_option_is_frozen_as_long_as_declared(option: Option, draft: Campaign) -> None:
    if option.until is Until.CREATED:
        with pytest.raises(DatabaseError):
            change(draft, option)
        return
    change(draft, option)
    cast_back = {option.name: getattr(draft, option.name)}
    Campaign.objects.filter(pk=draft.pk).update(**cast_back)
    campaigns.submit(campaign=draft, by=cast.mei(), at=NOON)
    if option.until is Until.ALWAYS:
        change(draft, option)
    else:
        with pytest.raises(DatabaseError):
            change(draft, option)


@pytest.mark.parametrize("name", sorted(OPTIONS.keys() - WIDENED.keys()))
def test_new_terms_in_force_change_only_what_may_widen(name: str, campaign: Campaign) -> None:
    option = OPTIONS[name]
    if option.until is Until.ALWAYS:
        pytest.skip("promises nothing")
    first = campaign.terms
    assert first is not None
    second = campaign.versions.create(
        number=2,
        document=first.document,
        sha256=first.sha256,
        edited_by=first.edited_by,
        created_at=NOON,
    )
    second.approvals.create(
        approver=cast.li(), decision="approved", seen_sha256=first.sha256, decided_at=NOON
    )
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE vouchers_campaign SET terms_id = %s, {name} = {other_value(option)}"
            " WHERE id = %s",
            [second.pk, campaign.pk],
        )


def amend_past_the_rules(campaign: Campaign, *limits: tuple[int | None, int | None]) -> None:
    """Terms in force with other figures of the first limits, approved; no row of theirs changes."""
    first = campaign.terms
    assert first is not None
    rows = first.document["limits"]
    figures = [{"limit_count": count, "limit_fen": fen} for count, fen in limits]
    second = campaign.versions.create(
        number=2,
        document={
            **first.document,
            "limits": [row | new for row, new in zip(rows, figures, strict=False)]
            + rows[len(figures) :],
        },
        sha256=first.sha256,
        edited_by=first.edited_by,
        created_at=NOON,
    )
    second.approvals.create(
        approver=cast.li(), decision="approved", seen_sha256=first.sha256, decided_at=NOON
    )
    Campaign.objects.filter(pk=campaign.pk).update(terms=second)


def write(sql: str) -> None:
    """As the owner of the database might."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
        assert cursor.rowcount == 1


DRAFT = "(SELECT id FROM vouchers_campaign WHERE code = 'draft')"
DAY_LIMIT = "UPDATE vouchers_limitrule SET %s WHERE kind = 1 AND campaign_id = %d"
THREE = "limit_count = 3, limit_fen = NULL"
"""A resident's limit a day as it was approved first."""


@pytest.mark.parametrize(
    ("said", "change"),
    [
        ((3, None), "limit_count = 4"),
        ((5, None), "limit_count = 4"),
        ((5, None), "limit_count = 6"),
        ((5, None), "limit_count = NULL"),
        ((2, None), "limit_count = 2"),
        ((3, 100), "limit_fen = 100"),
        ((None, 100), "limit_count = NULL, limit_fen = 100"),
        ((None, None), "limit_count = 9"),
        ((5, None), "limit_count = 5, kind = 2"),
        ((5, None), f"limit_count = 5, campaign_id = {DRAFT}"),
    ],
    ids=str,
)
def test_a_launched_limit_becomes_what_the_terms_in_force_say_and_never_less(
    said: tuple[int | None, int | None], change: str, campaign: Campaign, draft: Campaign
) -> None:
    """Lower figures are refused even where the terms in force, past the rules, say so."""
    amend_past_the_rules(campaign, said)
    with pytest.raises(DatabaseError, match="change as an amendment says"):
        write(DAY_LIMIT % (change, campaign.pk))


@pytest.mark.parametrize(
    ("said", "change"),
    [
        ((5, None), "limit_count = 5"),
        ((None, None), "limit_count = NULL"),
    ],
    ids=str,
)
def test_a_launched_limit_is_raised_or_lifted_by_the_terms_in_force(
    said: tuple[int | None, int | None], change: str, campaign: Campaign
) -> None:
    amend_past_the_rules(campaign, said)
    write(DAY_LIMIT % (change, campaign.pk))
    with pytest.raises(DatabaseError):
        write(DAY_LIMIT % (THREE, campaign.pk))
    with pytest.raises(DatabaseError):
        write(f"DELETE FROM vouchers_limitrule WHERE kind = 1 AND campaign_id = {campaign.pk}")


@pytest.mark.parametrize("part", [p for p in PARTS if p.is_frozen], ids=lambda part: part.name)
def test_the_rows_of_a_frozen_part_are_guarded(part: Part) -> None:
    names = {trigger.name for trigger in triggers_of(model_of(part))}
    assert any(str(name).endswith("_only_in_draft") for name in names)


def test_a_row_of_launched_terms_does_not_move_into_a_draft(
    campaign: Campaign, draft: Campaign
) -> None:
    moving = f"UPDATE vouchers_tier SET campaign_id = {draft.pk} WHERE campaign_id = {campaign.pk}"
    with pytest.raises(DatabaseError, match="cannot be edited"):
        write(moving)


def test_the_database_has_the_triggers_of_the_declaration() -> None:
    models_of_terms: set[Any] = {Campaign, *(model_of(part) for part in PARTS)}
    for model in models_of_terms:
        for trigger in triggers_of(model):
            status, is_enabled = trigger.get_installation_status(model)
            assert (status, is_enabled) == ("INSTALLED", True), trigger
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger"
            " WHERE tgrelid = 'vouchers_campaign'::regclass AND tgname LIKE '%frozen%'"
        )
        text = " ".join(row[0] for row in cursor.fetchall())
    for option in CAMPAIGN:
        is_guarded = re.search(rf"\bold\.{option.name}\b", text) is not None
        assert is_guarded == (option.until is not Until.ALWAYS), option


def test_every_option_has_a_label_and_words() -> None:
    campaign = cast.spring_campaign()
    document, zone = document_of(campaign), ZoneInfo("Asia/Shanghai")
    for option in CAMPAIGN:
        assert str(label(option))
        assert in_words(option, document["campaign"][option.name], zone)
    for part in PARTS:
        for option in part.options:
            assert str(label(option, model_of(part)))


def test_each_attribute_of_the_audience_has_a_field_and_words() -> None:
    names = AudienceFilter.__dataclass_fields__.keys()
    declared = AudienceForm.base_fields
    assert {name.removeprefix(AUDIENCE) for name in declared} == names
    assert PHRASES.keys() == names


def test_every_constraint_of_the_terms_has_a_text() -> None:
    lifecycle = {
        "campaign_state_known",
        "campaign_deadline_of_pause",
        "approved_campaign_has_terms",
        "appropriated_not_negative",
    }
    models_of_terms: set[Any] = {Campaign, TierSplit, *(model_of(part) for part in PARTS)}
    for model in models_of_terms:
        names = {constraint.name for constraint in model._meta.constraints}
        assert names - lifecycle <= FAULTS.keys(), model
