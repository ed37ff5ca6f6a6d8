"""Values of the terms in words, in both languages."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils.translation import override

from merchants.errors import Refusal
from tests.support import cast
from vouchers.admin.campaigns.terms import terms_tables
from vouchers.admin.faults import sentence
from vouchers.admin.fields import DurationWidget, YuanField
from vouchers.admin.words import audience, duration, in_words, instant
from vouchers.queries.campaigns.terms import document_of
from vouchers.rules.campaigns.declaration import Option, Unit

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (0, "0 seconds", "0 秒"),
        (1, "1 second", "1 秒"),
        (90, "1 minute 30 seconds", "1 分钟 30 秒"),
        (3_600, "1 hour", "1 小时"),
        (86_400, "1 day", "1 天"),
        (90_061, "1 day 1 hour 1 minute 1 second", "1 天 1 小时 1 分钟 1 秒"),
        (14 * 86_400, "14 days", "14 天"),
    ],
)
def test_a_duration_is_exact_in_the_units_people_use(
    seconds: int, english: str, chinese: str
) -> None:
    with override("en"):
        assert duration(seconds) == english
    with override("zh-hans"):
        assert duration(seconds) == chinese


@pytest.mark.parametrize("seconds", [1, 59, 60, 3_600, 90_000, 86_400, 86_401, 10 * 366 * 86_400])
def test_a_duration_is_typed_in_its_largest_whole_unit(seconds: int) -> None:
    number, unit_s = DurationWidget().decompress(seconds)
    assert number * unit_s == seconds
    assert all(seconds % larger for larger in (86_400, 3_600, 60) if larger > unit_s)


@pytest.mark.parametrize(
    ("typed", "fen"),
    [
        ("1234.56", 123_456),
        ("¥1,234.56", 123_456),
        ("￥1，234.5 元", 123_450),
        (" 0 ", 0),
        ("0.01", 1),
    ],
)
def test_yuan_are_typed_as_people_write_them(typed: str, fen: int) -> None:
    assert YuanField().clean(typed) == fen
    assert not YuanField().has_changed(fen, typed)


def test_fen_are_shown_as_yuan_with_separators() -> None:
    assert YuanField().prepare_value(123_456) == "1,234.56"


def test_instants_are_in_the_campaigns_own_zone() -> None:
    option = Option("starts_at", Unit.INSTANT)
    assert in_words(option, "2026-05-01T16:00:00Z", SHANGHAI) == "2026-05-02 00:00"
    assert in_words(option, "2026-05-01T16:00:00Z", ZoneInfo("Asia/Urumqi")) == "2026-05-01 22:00"
    assert instant(datetime(2026, 5, 1, 16, 0, 1, tzinfo=UTC), SHANGHAI) == "2026-05-02 00:00:01"


@pytest.mark.django_db
def test_an_audience_is_described_in_phrases() -> None:
    asked = {
        "age_min": 55,
        "is_registered": False,
        "districts": [cast.district().pk],
        "tags_any": [3, 63],
    }
    with override("en"):
        assert audience({}) == "everyone within reach"
        assert audience(asked) == (
            "at least 55 years old; no registered household (户籍);"
            f" lives in {cast.district().name}; has one of the tags 3, 63"
        )
    with override("zh-hans"):
        assert "年满 55 周岁" in audience(asked)


@pytest.mark.django_db
def test_the_review_page_shows_numbers_with_their_units() -> None:
    campaign = cast.spring_campaign(validity_s=1)
    with override("en"):
        tables = terms_tables(document_of(campaign))
        rows = {str(name): value for name, value in tables[0]["rows"]}
    assert rows["Validity of a voucher"] == "1 second"
    assert rows["An authorisation lasts"] == "15 minutes"
    assert rows["Radius around stores"] == "5,000 m"
    assert rows["Starts at"] == "2026-03-17 12:00"
    rings = next(table for table in tables if table["title"].startswith("Rings"))
    assert rings["rows"][0] == ["A", "0 m", "3,000 m"]


def test_a_bound_is_refused_in_the_units_of_its_option() -> None:
    refusal = Refusal("terms_invalid", "at_most", {"option": "authorise_ttl_s", "most": 86_400})
    with override("en"):
        assert sentence(refusal, "en") == "An authorisation lasts: at most 1 day."


def test_an_instant_of_a_refusal_is_said_in_local_time() -> None:
    facts = {"valid_until_at": "2026-11-28T22:47:00+00:00"}
    said = sentence(Refusal("voucher_expired", facts=facts), "en")
    assert "29 November, 06:47" in said
    assert "UTC" not in said
