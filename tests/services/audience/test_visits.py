"""Who used a voucher before at the merchants that take part, and when last, as a condition."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.till import answer_to, issue_vouchers, order
from vouchers.models import Campaign, Resident
from vouchers.services.audience.explain import explain
from vouchers.services.audience.preview import preview

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def came(rows_of_module: None) -> Resident:
    """Alice used a voucher of an earlier campaign in Nanjing Road at noon; Carol lives as near."""
    earlier = cast.running_campaign()
    (hers,) = issue_vouchers(earlier, [cast.alice()])
    status, body = answer_to(order(hers, cast.nanjing_road(), cast.alice(), order_no="A-1"))
    assert status == 201, body
    return cast.alice()


def campaign(**asked: Any) -> Campaign:
    draft = cast.spring_campaign()
    draft.audience_filter = asked
    draft.save(update_fields=["audience_filter"])
    return cast.launched(draft)


def failed(resident: Resident, of: Campaign, days: float) -> list[str] | None:
    """The conditions that a resident fails so many days after the visit; None if they pass."""
    said = explain(campaign=of, resident=resident, at=NOON + days * DAY)
    return None if said.reason is None else list(said.conditions)


def test_first_time_customers_alone(came: Resident) -> None:
    of = campaign(is_first_time=True)
    assert failed(came, of, 1) == ["is_first_time"]
    assert failed(cast.carol(), of, 1) is None


def test_known_customers_alone(came: Resident) -> None:
    of = campaign(is_first_time=False)
    assert failed(came, of, 1) is None
    assert failed(cast.carol(), of, 1) == ["is_first_time"]


def test_a_visit_has_no_effect_before_it_happened(came: Resident) -> None:
    of = campaign(is_first_time=True)
    before = explain(campaign=of, resident=came, at=NOON - timedelta(seconds=1))
    assert before.reason is None


def test_who_has_stayed_away(came: Resident) -> None:
    of = campaign(last_visit_days_min=7)
    assert failed(came, of, 6.9) == ["last_visit_days_min"]
    assert failed(came, of, 7) is None
    assert failed(cast.carol(), of, 7) == ["last_visit_days_min"]


def test_who_came_lately(came: Resident) -> None:
    of = campaign(last_visit_days_max=7)
    assert failed(came, of, 7) is None
    assert failed(came, of, 7.1) == ["last_visit_days_max"]
    assert failed(cast.carol(), of, 1) == ["last_visit_days_max"]


def test_visits_to_merchants_that_take_no_part_do_not_count(came: Resident) -> None:
    draft = cast.spring_campaign(stores=(cast.rival_shop(),))
    draft.audience_filter = {"is_first_time": True}
    draft.save(update_fields=["audience_filter"])
    assert failed(came, cast.launched(draft), 1) is None


def test_everyone_is_judged_as_one_is(came: Resident) -> None:
    for number in range(12):
        cast.resident(f"new{number}")
    found = preview(campaign=campaign(is_first_time=True), by=cast.mei(), at=NOON + DAY)
    assert "filtered" not in found.figures.untargeted
    assert found.figures.targeted == 10
