"""What is typed and shown: times in the campaign's own zone, percentages in per cent."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.admin.conftest import signed_in
from tests.support import cast
from tests.support.admin_pages import fields_of, opened, page_of, saved, with_row
from vouchers.models import Campaign, Tier
from vouchers.services.campaigns import lifecycle, terms
from vouchers.states import TierKind

pytestmark = pytest.mark.django_db

TOKYO = "Asia/Tokyo"
STARTS_AT = datetime(2027, 4, 1, 1, 0, tzinfo=UTC)  # ten in the morning in Tokyo
ENDS_AT = datetime(2027, 4, 30, 15, 0, tzinfo=UTC)  # midnight there


@pytest.fixture(autouse=True)
def far_away() -> Iterator[None]:
    """The process's time zone is New York, whatever the zone of the campaign."""
    with timezone.override("America/New_York"):
        yield


@pytest.fixture
def mei() -> Client:
    """The manager's browser."""
    return signed_in(cast.mei())


@pytest.fixture
def draft() -> Campaign:
    """A draft of Tokyo, paid for by the city."""
    by, at = cast.mei(), timezone.now()
    campaign = lifecycle.create_campaign(
        code="tokyo",
        name="东京",
        organiser="市商务委",
        zone=TOKYO,
        starts_at=STARTS_AT,
        ends_at=ENDS_AT,
        validity_s=86_400,
        radius_m=5_000,
        order_kinds=("in_store",),
        by=by,
        at=at,
    )
    terms.add_source(campaign=campaign, code="city", name="市财政", by=by, at=at)
    return campaign


@pytest.fixture
def percent(draft: Campaign) -> Tier:
    """15 % off, at most ¥50."""
    return terms.add_tier(
        campaign=draft,
        code="off15pc",
        name="八五折",
        kind=TierKind.PERCENT,
        percent_bp=1_500,
        face_fen=5_000,
        split={"city": 5_000},
        by=cast.mei(),
        at=timezone.now(),
    )


def page(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def typed_in(html: str, name: str) -> str:
    """What a text field of a page holds."""
    found = re.search(rf'<input[^>]*name="{name}"[^>]*>', html)
    assert found, name
    value = re.search(r'value="([^"]*)"', found[0])
    return value[1] if value else ""


def in_tokyo(client: Client, row: Campaign | Tier) -> dict[str, Any]:
    """The page's form as a browser would send it back."""
    with timezone.override(TOKYO):
        return opened(client, row)


def test_a_new_campaign_begins_at_the_hour_of_the_zone_typed_with_it(mei: Client) -> None:
    address = reverse("admin:vouchers_campaign_add")
    form = fields_of(mei.get(address).context["adminform"].form) | {
        "code": "tokyo",
        "name": "东京",
        "organiser": "市商务委",
        "zone": TOKYO,
        "starts_at_0": "2027-04-01",
        "starts_at_1": "10:00",
        "ends_at_0": "2027-05-01",
        "ends_at_1": "00:00",
        "validity_s": "1",
        "radius_m": "5000",
        "order_kinds": ["in_store"],
    }
    saved(mei.post(address, form))
    made = Campaign.objects.get(code="tokyo")
    assert (made.starts_at, made.ends_at) == (STARTS_AT, ENDS_AT)


def test_an_unknown_zone_is_an_error_of_its_field(mei: Client) -> None:
    address = reverse("admin:vouchers_campaign_add")
    answer = mei.post(address, {"zone": "Asia/Nowhere", "code": "x"})
    assert "zone" in answer.context["adminform"].form.errors


def test_a_draft_is_shown_and_changed_in_its_zone(draft: Campaign, mei: Client) -> None:
    html = page(mei, page_of(draft))
    assert typed_in(html, "starts_at_0").replace("/", "-") == "2027-04-01"
    assert typed_in(html, "starts_at_1").startswith("10:00")
    edits = draft.edits.count()
    saved(mei.post(page_of(draft), in_tokyo(mei, draft)))
    assert draft.edits.count() == edits, "an untouched page changes nothing"
    saved(mei.post(page_of(draft), in_tokyo(mei, draft) | {"starts_at_1": "11:30"}))
    draft.refresh_from_db()
    assert draft.starts_at == datetime(2027, 4, 1, 2, 30, tzinfo=UTC)


def test_rounds_open_and_close_by_the_clocks_of_the_zone(draft: Campaign, mei: Client) -> None:
    times = {
        "opens_at_0": "2027-04-02",
        "opens_at_1": "10:00",
        "closes_at_0": "2027-04-03",
        "closes_at_1": "00:00",
        "way": "run",
    }
    saved(mei.post(page_of(draft), with_row(in_tokyo(mei, draft), "rounds", number="1", **times)))
    held = draft.rounds.get()
    assert held.opens_at == datetime(2027, 4, 2, 1, 0, tzinfo=UTC)
    assert held.closes_at == datetime(2027, 4, 2, 15, 0, tzinfo=UTC)
    assert typed_in(page(mei, page_of(draft)), "rounds-0-opens_at_1").startswith("10:00")


def test_the_list_shows_each_campaign_in_its_zone(draft: Campaign, mei: Client) -> None:
    html = page(mei, reverse("admin:vouchers_campaign_changelist"))
    assert "2027-04-01 10:00" in html
    assert "2027-05-01 00:00" in html


def test_the_zone_of_the_next_page_is_not_touched(draft: Campaign, mei: Client) -> None:
    page(mei, page_of(draft))
    assert timezone.get_current_timezone_name() == "America/New_York"


@pytest.mark.parametrize(
    ("typed", "percent_bp"),
    [("15", 1_500), ("12.5", 1_250), ("7.25 %", 725), ("8％", 800), ("15.00", 1_500)],
)
def test_a_percentage_is_typed_in_per_cent(
    percent: Tier, mei: Client, typed: str, percent_bp: int
) -> None:
    assert typed_in(page(mei, page_of(percent)), "percent_bp") == "15"
    saved(mei.post(page_of(percent), in_tokyo(mei, percent) | {"percent_bp": typed}))
    percent.refresh_from_db()
    assert percent.percent_bp == percent_bp


@pytest.mark.parametrize("typed", ["100.01", "-1", "1.234", "many", "0", "100", "NaN", "1e3"])
def test_an_invalid_percentage_shows_an_error_at_its_field(
    percent: Tier, mei: Client, typed: str
) -> None:
    answer = mei.post(page_of(percent), in_tokyo(mei, percent) | {"percent_bp": typed})
    assert answer.status_code == 200
    assert "percent_bp" in answer.context["adminform"].form.errors
    percent.refresh_from_db()
    assert percent.percent_bp == 1_500


def test_who_only_looks_sees_units_too(percent: Tier) -> None:
    audrey = signed_in(cast.member("audrey", "auditor"))
    html = page(audrey, page_of(percent))
    assert "15 %" in html
    assert "¥50.00" in html
    assert ">5000<" not in html
    assert 'name="splits-0-amount_fen"' not in html
    assert "15 %" in page(audrey, page_of(percent.campaign))
    assert "15 %" in page(audrey, reverse("admin:vouchers_tier_changelist"))
