"""How far a count is: said while it counts, forgotten when it is done, no more than a courtesy."""

from typing import Any

import pytest

from tests.support import cast
from tests.support.cast import NOON
from vouchers.models import Campaign
from vouchers.services.audience import counting, preview
from vouchers.services.audience.counting import Counting, counted_pct, end_counting
from vouchers.services.valkey import Valkey

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def campaign(rows_of_module: None) -> Campaign:
    cast.alice(), cast.bob()
    return cast.spring_campaign()


def said(campaign: Campaign, person: str = "mei") -> int | None:
    return counted_pct(campaign=campaign, by=cast.member(person, "manager"))


def test_it_says_the_share_that_is_done_to_the_person_who_counts(campaign: Campaign) -> None:
    ours = Counting(campaign=campaign, by=cast.mei(), total=300)
    ours.add(1)
    assert said(campaign) == 0
    ours.add(149)
    assert (said(campaign), said(campaign, "noor")) == (50, None)
    ours.add(200)
    assert said(campaign) == 100
    end_counting(campaign=campaign, by=cast.mei())
    assert said(campaign) is None


def test_a_preview_says_it_and_forgets_it(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    preview.preview(campaign=campaign, by=cast.mei(), at=NOON)
    assert said(campaign) is None
    with monkeypatch.context() as broken_off:
        broken_off.setattr(preview, "end_counting", lambda **_: None)
        preview.preview(campaign=campaign, by=cast.mei(), at=NOON)
    assert said(campaign) == 100


def test_without_valkey_a_count_goes_on_and_says_nothing(
    campaign: Campaign, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another one than the process's, which would be left alone for seconds.
    monkeypatch.setattr(counting, "VALKEY", Valkey(answer_s=0.5, pause_s=10.0, without="no count"))
    settings.REDIS_URL = "redis://127.0.0.1:9/1"
    found = preview.preview(campaign=campaign, by=cast.mei(), at=NOON)
    assert found.figures.examined is None, "two people are too few to be shown"
    assert said(campaign) is None
