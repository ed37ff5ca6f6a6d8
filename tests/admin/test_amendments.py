"""The dialog of an amendment, and what the person who decides on it reads."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from tests.admin.conftest import signed_in
from tests.support import cast, draft_rows
from tests.support.admin_pages import decide, press
from vouchers.admin.campaigns.amendment_words import MOST_NAMED, amendment_lines
from vouchers.admin.words import duration, instant
from vouchers.models import Campaign, TermsVersion
from vouchers.rules.campaigns.terms import written
from vouchers.states import LimitKind

pytestmark = pytest.mark.django_db

LIMITS = {LimitKind.RESIDENT_DAY: 1, LimitKind.STORE_MINUTE: 60}
MERCHANT_FEN = 100_000
SAID = {
    "en": [
        ("Limit per merchant and day, most subsidy", "¥1,000.00 → ¥1,000.01"),
        ("Limit per resident and day, most vouchers", "1 → 2"),
        ("Limit per store and minute, most vouchers", "60 → unlimited"),
    ],
    "zh-hans": [
        ("限额（每商户每日）补贴上限", "¥1,000.00 → ¥1,000.01"),
        ("限额（每居民每日）最多张数", "1 → 2"),
        ("限额（每门店每分钟）最多张数", "60 → 不限"),
    ],
}
WIDER = {
    "resident_day_limit_count": "2",
    "merchant_day_limit_fen": "1,000.01",
    "lifted": [LimitKind.STORE_MINUTE.value],
    "validity_s": "",
    "validity_s_unit": "86400",
}
"""As the page sends it: a unit stands beside the empty number."""


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    now = timezone.now()
    draft = cast.spring_campaign(
        limits=LIMITS, starts_at=now - cast.DAY, ends_at=now + 30 * cast.DAY
    )
    kind = LimitKind.MERCHANT_DAY
    draft_rows.add(
        "limits", campaign=draft, kind=kind, limit_fen=MERCHANT_FEN, by=cast.mei(), at=now
    )
    return cast.launched(draft, at=now)


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


def speaking(client: Client, language: str) -> Client:
    client.cookies.load({"django_language": language})
    return client


def figures(campaign: Campaign) -> dict[int, tuple[int | None, int | None]]:
    rows = campaign.limits.values_list("kind", "limit_count", "limit_fen")
    return {kind: (count, fen) for kind, count, fen in rows}


@pytest.mark.parametrize(
    ("language", "label", "now"),
    [
        ("en", "Per merchant and day · Most subsidy, yuan", "Now ¥1,000.00. Empty: it stays."),
        ("zh-hans", "每商户每日 · 补贴上限（元）", "现为 ¥1,000.00；留空则不变。"),
    ],
)
def test_the_dialog_shows_the_limits_in_force_with_their_units(
    campaign: Campaign, language: str, label: str, now: str
) -> None:
    address = reverse("admin:vouchers_campaign_amend", args=[campaign.pk])
    form = speaking(signed_in(cast.mei()), language).get(address).context["form"]
    with translation.override(language):
        field = form["merchant_day_limit_fen"]
        assert (str(field.label), str(field.help_text)) == (label, now)
        keys = [name for name in form.fields if name.endswith(("_count", "_fen"))]
    assert keys == [
        "resident_day_limit_count",
        "store_minute_limit_count",
        "merchant_day_limit_fen",
    ]
    assert [value for value, _name in form.fields["lifted"].choices] == [1, 4, 6]


def test_the_dialog_shows_the_end_and_the_validity_in_force(campaign: Campaign) -> None:
    address = reverse("admin:vouchers_campaign_amend", args=[campaign.pk])
    form = speaking(signed_in(cast.mei()), "en").get(address).context["form"]
    with translation.override("en"):
        ends_at = instant(campaign.ends_at, ZoneInfo(campaign.zone))
        assert form["ends_on"].help_text == f"Now {ends_at}. Empty: it stays."
        validity = duration(campaign.validity_s)
        assert form["validity_s"].help_text == f"Now {validity}. Empty: it stays."


def test_limits_are_raised_or_lifted_with_anothers_approval(campaign: Campaign) -> None:
    """Who decides reads in words what changes, in the inbox and above the whole terms."""
    before = figures(campaign)
    press(signed_in(cast.mei()), "amend", campaign, **WIDER)
    assert figures(campaign) == before
    for language, lines in SAID.items():
        li = speaking(signed_in(cast.li()), language)
        (row,) = li.get(reverse("admin:vouchers_proposal_inbox")).context["rows"]
        colon = "：" if language == "zh-hans" else ": "
        assert sorted(row["lines"]) == [colon.join(line) for line in lines]
        page = li.get(row["url"])
        assert sorted(page.context["lines"]) == lines
        for what, change in lines:
            assert f'<tr><td>{what}</td><td class="hm-strong">{change}</td>' in (
                page.content.decode()
            )
    decide(signed_in(cast.li()), campaign, "approve")
    assert figures(campaign) == {
        LimitKind.RESIDENT_DAY: (2, None),
        LimitKind.STORE_MINUTE: (None, None),
        LimitKind.MERCHANT_DAY: (None, MERCHANT_FEN + 1),
    }
    address = reverse("admin:vouchers_campaign_amend", args=[campaign.pk])
    form = signed_in(cast.mei()).get(address).context["form"]
    assert "store_minute_limit_count" not in form.fields


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"resident_day_limit_count": "0"}, "resident_day_limit_count"),
        ({"resident_day_limit_count": "-1"}, "resident_day_limit_count"),
        ({"resident_day_limit_count": "two"}, "resident_day_limit_count"),
        ({"resident_day_limit_count": str(2**31)}, "resident_day_limit_count"),
        ({"merchant_day_limit_fen": "999.99"}, "merchant_day_limit_fen"),
        ({"resident_day_limit_count": "2", "lifted": ["1"]}, "resident_day_limit_count"),
        ({"lifted": ["2"]}, "lifted"),
    ],
    ids=str,
)
def test_what_is_no_wider_stays_in_the_dialog_beside_its_field(
    campaign: Campaign, typed: dict[str, Any], field: str
) -> None:
    answer: Any = press(signed_in(cast.mei()), "amend", campaign, **typed)
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]
    assert campaign.versions.count() == 1


def test_a_campaign_without_limits_is_asked_for_none() -> None:
    now = timezone.now()
    campaign = cast.running_campaign(
        at=now, limits={}, starts_at=now - cast.DAY, ends_at=now + 30 * cast.DAY
    )
    address = reverse("admin:vouchers_campaign_amend", args=[campaign.pk])
    form = signed_in(cast.mei()).get(address).context["form"]
    assert {field.name for field in form.visible_fields()} == {"ends_on", "validity_s", "merchants"}


@pytest.mark.parametrize(
    ("number", "said"),
    [(1, "1 store: huilian 0"), (MOST_NAMED + 1, f"{MOST_NAMED + 1} stores")],
)
def test_an_amendment_names_a_few_stores_and_counts_many(
    campaign: Campaign, number: int, said: str
) -> None:
    first = campaign.terms
    assert first is not None
    joining = [
        {**first.document["stores"][0], "merchant": "huilian", "store": str(one)}
        for one in range(number)
    ]
    end = campaign.ends_at + cast.DAY
    document = {
        **first.document,
        "campaign": {**first.document["campaign"], "ends_at": written(end)},
        "stores": [*first.document["stores"], *joining],
    }
    version = TermsVersion(campaign=campaign, number=2, document=document, amends=first)
    with translation.override("en"):
        (what, change), stores = amendment_lines(version)
    assert what == "Ends at"
    assert change.count(" → ") == 1
    assert stores == ("Stores that join", said)
    assert amendment_lines(first) == []
