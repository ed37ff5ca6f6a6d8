"""The forecast of a campaign: at a chosen rate, from the last preview, and never about a few."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from merchants.models import District
from tests.admin.conftest import signed_in
from tests.support import cast, till
from tests.support.cast import DAY
from vouchers.admin.campaigns.forecast import RateForm
from vouchers.admin.campaigns.setup.panel import panel_of
from vouchers.models import Campaign, CampaignStore, Resident
from vouchers.money import yuan
from vouchers.queries.campaigns.forecast import past_campaigns, plan_of, rates_of
from vouchers.rules.issuing.priority import SMALL_SHOP
from vouchers.services.audience.preview import preview
from vouchers.services.campaigns import drafts
from vouchers.states import RoundWay

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def standing_draft(rows_of_module: None) -> Campaign:
    """A draft for 23 people near one store, of whom eleven are seniors."""
    now = timezone.now()
    District.objects.filter(pk=cast.district().pk).update(population=1_000)
    for number in range(23):
        cast.resident(f"near{number}")
    seniors = [f"near{number}" for number in range(11)]
    Resident.objects.filter(external_id__in=seniors).update(birth_year=1950)
    return cast.spring_campaign(
        starts_at=now,
        ends_at=now + 30 * DAY,
        budget_fen=1_000_000,
        funding=cast.CO_FUNDED,
        tiers={"off20": (2_000, 10_000), "off50": (5_000, 20_000)},
    )


@pytest.fixture
def draft(standing_draft: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing_draft.pk)


@pytest.fixture
def mei() -> Client:
    """The manager's browser, in English."""
    client = signed_in(cast.mei())
    client.cookies.load({"django_language": "en"})
    return client


def address(campaign: Campaign, page: str = "forecast") -> str:
    return reverse(f"admin:vouchers_campaign_{page}", args=[campaign.pk])


def previewed(campaign: Campaign) -> Campaign:
    preview(campaign=campaign, by=cast.mei(), at=timezone.now())
    return campaign


def fen_of(text: str) -> int:
    return int(re.sub(r"[¥,.]", "", text))


def test_without_a_preview_the_page_leads_to_it(draft: Campaign, mei: Client) -> None:
    answer = mei.get(address(draft))
    assert address(draft, "preview") in answer.content.decode()
    assert "cards" not in answer.context
    assert address(draft) in mei.get(address(draft, "preview")).content.decode()
    assert "cards" in mei.get(address(draft)).context


def test_every_part_adds_up_and_nothing_is_written(draft: Campaign, mei: Client) -> None:
    previewed(draft)
    before = LogEntry.objects.count()
    context = mei.get(address(draft), {"rate": "own", "own_pct": "100"}).context
    assert LogEntry.objects.count() == before
    people = fen_of(context["fairness"]["rows"][0][1])
    assert people in (20, 30), "in tens"
    *sources, whole = context["sources"]["rows"]
    *tiers, sums = context["tiers"]["rows"]
    assert whole[2] == sums[4] == yuan(people * 7_000)
    assert sum(fen_of(row[2]) for row in sources) == people * 7_000
    assert sum(fen_of(row[4]) for row in tiers) == people * 7_000
    loads = context["stores"]["rows"]
    assert sum(fen_of(row[2]) for row in loads) == int(sums[3].replace(",", ""))
    assert "not before the end" in context["cards"][2]


def test_the_page_tells_nothing_of_fewer_than_ten(draft: Campaign, mei: Client) -> None:
    CampaignStore.objects.filter(campaign=draft, store=cast.nanjing_road()).update(
        category=SMALL_SHOP
    )
    previewed(draft)
    (row,) = [
        row for row in mei.get(address(draft)).context["fairness"]["rows"] if row[0] == "黄浦区"
    ]
    _name, _people, census, _money, _each, seniors, with_hukou, _without, small = row
    assert census in ("2.0 %", "3.0 %")
    assert re.fullmatch(r"\d+\.\d %|– \(fewer than 10\)", seniors)
    assert with_hukou == "– (not on file)"
    assert small.endswith("%")
    loads = mei.get(address(draft)).context["stores"]["rows"]
    assert all(int(row[1]) >= 10 for row in loads)


def test_an_invalid_figure_shows_an_error_at_its_field(draft: Campaign, mei: Client) -> None:
    for own_pct in ("", "101", "-1", "many", "nan", "inf", "9" * 400):
        form = RateForm({"rate": "own", "own_pct": own_pct}, [])
        assert set(form.errors) == {"own_pct"}, own_pct
    previewed(draft)
    answer = mei.get(address(draft), {"rate": "own", "own_pct": "101"})
    assert "errorlist" in answer.content.decode()
    assert "cards" not in answer.context


def test_a_rate_that_is_not_offered_is_refused(draft: Campaign, mei: Client) -> None:
    for rate in ("past-1", "past-x", "own'--", "past-" + "9" * 30):
        assert set(RateForm({"rate": rate, "own_pct": "50"}, []).errors) == {"rate"}, rate
    previewed(draft)
    answer = mei.get(address(draft), {"rate": "best"})
    assert "errorlist" in answer.content.decode()
    assert "cards" not in answer.context


def test_a_draft_without_a_plan_says_what_it_takes(draft: Campaign, mei: Client) -> None:
    draft.tiers.all().delete()
    previewed(draft)
    text = mei.get(address(draft)).content.decode()
    assert "The terms have no plan yet" in text
    assert address(draft, "set_up") in text
    Campaign.objects.filter(pk=draft.pk).update(ends_at=draft.starts_at + 9_000 * DAY)
    draft.refresh_from_db()
    assert plan_of(draft, people=10) is None


def test_a_claimed_round_is_asked_how_many_claim(draft: Campaign, mei: Client) -> None:
    round_ = {
        "number": 1,
        "opens_at": draft.starts_at,
        "closes_at": draft.starts_at + DAY,
        "way": RoundWay.CLAIM.value,
    }
    add_rows(draft, rounds=[round_], cells=[{"channel": "app", "cap_count": 5}])
    previewed(draft)
    page = mei.get(address(draft), {"rate": "own", "own_pct": "100", "asking_pct": "50"})
    half = fen_of(page.context["sources"]["rows"][-1][2])
    assert "asking_pct" in page.content.decode()
    assert "Quota cells by channel are not considered." in page.context["assumed"]
    whole = mei.get(address(draft), {"rate": "own", "own_pct": "100"})
    assert fen_of(whole.context["sources"]["rows"][-1][2]) == 2 * half


def add_rows(campaign: Campaign, **parts: list[dict[str, Any]]) -> None:
    drafts.edit_campaign(
        campaign=campaign,
        seen_edit=drafts.newest_edit(campaign),
        options={},
        parts={name: [drafts.RowEdit(None, row) for row in rows] for name, rows in parts.items()},
        by=cast.mei(),
        at=timezone.now(),
    )


class TestPastVouchers:
    @pytest.fixture
    def spring(self) -> Campaign:
        """A hundred vouchers of ¥20, made twenty days ago, of which three were used on the second
        day and one on the last."""
        made_at = timezone.now() - 20 * DAY
        running = cast.running_campaign(
            at=made_at, starts_at=made_at, ends_at=made_at + 30 * DAY, limits={}
        )
        alice = cast.alice()
        minted = till.issue_vouchers(running, [alice] * 100, at=made_at)
        for voucher, days in zip(minted, (1, 1, 1, 13), strict=False):
            at = made_at + days * DAY + timedelta(hours=1)
            status, body = till.answer_to(
                till.order(voucher, cast.nanjing_road(), alice, at=at, key=f"k{voucher.pk}")
            )
            assert status == 201, body
        return running

    def test_are_counted_once_their_validity_has_ended(self, spring: Campaign) -> None:
        ended = timezone.now()
        assert past_campaigns([spring.pk], at=ended - 7 * DAY) == []
        assert rates_of(spring.pk, ["off20"], at=ended - 7 * DAY) == {}
        (past,) = past_campaigns([spring.pk], at=ended)
        assert (past.name, past.issued) == (spring.name, 100)
        rates = rates_of(spring.pk, ["off20", "off9"], at=ended)
        assert rates["off20"] == rates["off9"], "a tier it did not have is like all of them"
        assert rates["off20"].used == 0.04
        assert rates["off20"].curve[:3] == (0, 0.75, 0.75)
        assert rates["off20"].curve[-3:] == (0.75, 1, 1)

    def test_can_be_chosen_as_the_rate(
        self, spring: Campaign, draft: Campaign, mei: Client
    ) -> None:
        previewed(draft)
        page = mei.get(address(draft), {"rate": f"past-{spring.pk}"})
        assert {row[1] for row in page.context["tiers"]["rows"][:-1]} == {"4.0 %"}
        assert spring.name in page.context["assumed"][0]


def test_the_depth_in_the_panel_follows_the_terms(draft: Campaign, mei: Client) -> None:
    assert panel_of(draft, at=timezone.now()).depth is None
    assert "Needs a preview" in mei.get(address(draft, "set_up")).content.decode()
    previewed(draft)
    before = panel_of(draft, at=timezone.now()).depth
    assert before is not None
    assert before.rate == "84.8 %"
    assert before.used in mei.get(address(draft, "set_up")).content.decode()
    add_rows(draft, cells=[{"tier": draft.tiers.get(code="off50"), "cap_count": 1}])
    after = panel_of(draft, at=timezone.now()).depth
    assert after is not None
    assert fen_of(after.used) < fen_of(before.used)


def test_the_page_is_there_in_chinese(draft: Campaign, mei: Client) -> None:
    previewed(draft)
    mei.cookies.load({"django_language": "zh-hans"})
    text = mei.get(address(draft)).content.decode()
    assert "杭州 2022 年 8 月首轮" in text
    assert "结束前不会发生" in text
