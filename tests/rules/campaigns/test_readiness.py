"""The launch list: what blocks, what is only worth a look, and when."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.rules.campaigns.test_soundness import DAY, NOON, SOUND
from vouchers.rules.campaigns.readiness import Stage, Surroundings, findings, over, unfit
from vouchers.states import CampaignState

READY = Surroundings(
    state=CampaignState.DRAFT,
    zone="Asia/Shanghai",
    is_test=False,
    approvers=1,
    approvers_needed=1,
    without_cash=(),
    is_tried=True,
)


def rules(around: Surroundings = READY, **change: object) -> dict[str, Stage]:
    """What is found, by rule."""
    terms = replace(SOUND, **change)  # type: ignore[arg-type]
    found = findings(terms, around, at=NOON)
    return {finding.refusal.rule: finding.blocks for finding in found}


def test_nothing_is_found_in_a_campaign_that_is_ready() -> None:
    assert rules() == {}


def test_a_draft_without_a_possible_approver_is_not_submitted() -> None:
    around = replace(READY, approvers=0)
    assert rules(around) == {"enough_approve": Stage.SUBMIT}
    assert [refusal.rule for refusal in unfit(SOUND, around, at=NOON)] == ["enough_approve"]


def test_a_budget_that_needs_three_is_not_submitted_to_two() -> None:
    assert rules(replace(READY, approvers=3, approvers_needed=3)) == {}
    (refusal,) = unfit(SOUND, replace(READY, approvers=2, approvers_needed=3), at=NOON)
    assert (refusal.rule, refusal.facts) == ("enough_approve", {"able": 2, "needed": 3})


def test_faults_of_the_terms_come_first() -> None:
    around = replace(READY, approvers=0)
    found = rules(around, store_count=0, radii_m=(0,))
    assert list(found) == ["has_stores", "radius_in_range", "enough_approve"]
    assert set(found.values()) == {Stage.SUBMIT}


@pytest.mark.parametrize(
    ("around", "terms", "rule"),
    [
        ({"without_cash": ("市财政",)}, {}, "cash_arrived"),
        ({"is_tried": False}, {}, "tried_in_sandbox"),
        ({"strange_streets": ("不存在路",)}, {}, "streets_on_file"),
        ({}, {"validity_s": 31 * 86_400}, "validity_within_campaign"),
        ({}, {"ends_at": NOON + 300 * DAY}, "within_one_year"),
    ],
)
def test_what_may_be_meant_is_only_pointed_out(
    around: dict[str, object], terms: dict[str, object], rule: str
) -> None:
    assert rules(replace(READY, **around), **terms) == {rule: Stage.NONE}  # type: ignore[arg-type]


def test_a_test_campaign_need_not_be_tried() -> None:
    assert rules(replace(READY, is_test=True, is_tried=False)) == {}


def test_a_campaign_to_the_end_of_the_year_stays_within_it() -> None:
    year_ends = NOON.replace(month=12, day=31, hour=16, minute=0)
    assert "within_one_year" not in rules(ends_at=year_ends)
    assert "within_one_year" in rules(ends_at=year_ends + timedelta(seconds=1))


def test_a_campaign_that_is_over_is_not_launched() -> None:
    approved = replace(READY, state=CampaignState.APPROVED)
    assert rules(approved, ends_at=NOON, starts_at=NOON - DAY)["not_over_yet"] is Stage.LAUNCH
    assert over(NOON + DAY, at=NOON) is None
