"""Refusals are said as a cashier says them: local times, amounts, counts and words."""

import pytest

from merchants.errors import Refusal
from vouchers.errors import CATALOGUE, explain
from vouchers.errors.spoken import amount, moment

TILL = [meaning for meaning in CATALOGUE.values() if meaning.audience == "till"]


@pytest.mark.parametrize(
    ("fen", "en", "zh"),
    [
        (1, "¥0.01", "0.01元"),
        (50, "¥0.50", "0.5元"),
        (950, "¥9.50", "9.5元"),
        (5_000, "¥50", "50元"),
        (123_456, "¥1,234.56", "1234.56元"),
        (0, "¥0", "0元"),
        (-150, "-¥1.50", "-1.5元"),
    ],
)
def test_amounts(fen: int, en: str, zh: str) -> None:
    assert (amount(fen, "en"), amount(fen, "zh-hans")) == (en, zh)


@pytest.mark.parametrize(
    ("text", "en", "zh"),
    [
        ("2026-12-01T10:00:00+08:00", "1 December, 10:00", "12月1日 10:00"),
        ("2026-12-01T10:00:00.5+08:00", "1 December, 10:00", "12月1日 10:00"),
        ("2026-12-01T10:00:00+00:00", "1 December, 10:00 UTC", "12月1日 10:00 UTC"),
        ("2026-02-03", "3 February", "2月3日"),
        ("soon", "soon", "soon"),
        ("2026-99-99", "2026-99-99", "2026-99-99"),
    ],
)
def test_instants_and_days(text: str, en: str, zh: str) -> None:
    assert (moment(text, "en"), moment(text, "zh")) == (en, zh)


def test_the_time_a_till_says_has_its_year() -> None:
    """A till whose clock was reset is years off, and would else read the day of today."""
    at = "2000-01-01T08:00:00+08:00"
    late = Refusal("order_time", "order_too_old", {"occurred_at": at, "greatest_age_h": 72})
    assert explain(late, "en").startswith("The sale of 1 January 2000, 08:00 was sent too late")
    assert explain(late, "zh-hans").startswith("2000年1月1日 08:00 的销售上传过迟")


@pytest.mark.parametrize(
    ("refusal", "en", "zh"),
    [
        (
            Refusal("voucher_expired", "", {"valid_until_at": "2026-12-01T10:00:00+08:00"}),
            "This voucher expired on 1 December, 10:00.",
            "此券已于 12月1日 10:00 过期。",
        ),
        (
            Refusal(
                "store_limit",
                "store_day",
                {"limit": "2", "window": "day", "next_at": "2026-04-02"},
            ),
            "This store has reached the limit of 2 vouchers per day. Open again from 2 April.",
            "本门店已达每日上限 2 张，4月2日 起可再用。",
        ),
        (
            Refusal(
                "resident_limit", "resident_campaign", {"limit_fen": 20_000, "window": "campaign"}
            ),
            "The customer has reached the limit of ¥200 for the whole campaign.",
            "该顾客在本活动中已达上限 200元，不能再用券。",
        ),
        (
            Refusal("order_kind_excluded", "", {"order_kind": "delivered"}),
            "This campaign does not take delivery orders.",
            "本活动不支持外送订单。",
        ),
        (
            Refusal("campaign_not_running", "campaign_over", {"state": "ended"}),
            "The campaign is over. Its vouchers can no longer be used.",
            "活动已结束，此券不能再用。",
        ),
    ],
)
def test_whole_sentences(refusal: Refusal, en: str, zh: str) -> None:
    assert (explain(refusal, "en"), explain(refusal, "zh-hans")) == (en, zh)


@pytest.mark.parametrize(
    ("code", "rule", "retryable"),
    [
        ("campaign_not_running", "", True),
        ("campaign_not_running", "campaign_over", False),
        *(
            (f"{subject}_limit", f"{subject}_{window}", window != "campaign")
            for subject in ("resident", "store", "merchant")
            for window in ("day", "week", "campaign")
        ),
        ("store_limit", "store_minute", True),
        ("resident_limit", "link_day", True),
        ("resident_limit", "link_campaign", False),
    ],
)
def test_what_can_never_succeed_is_not_retryable(code: str, rule: str, retryable: bool) -> None:
    assert CATALOGUE[code].wording(rule).retryable == retryable


@pytest.mark.parametrize("code", [meaning.code for meaning in TILL])
def test_a_text_for_a_cashier_is_a_sentence_in_both_languages(code: str) -> None:
    meaning = CATALOGUE[code]
    for wording in (meaning.wording(rule) for rule in ("", *meaning.by_rule)):
        assert wording.en.endswith(".")
        assert wording.zh.endswith("。")
        assert "such thing" not in wording.en
