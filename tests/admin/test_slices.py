"""Slices of the budget in words."""

import pytest
from django.utils import translation

from tests.support import cast
from vouchers.admin.campaigns.slices import slice_text

pytestmark = pytest.mark.django_db

TIERS = {"off20": "满100减20"}
SOURCES = {"city": "市财政"}
STORES = {("huilian", "xujiahui"): "徐家汇店"}


@pytest.mark.parametrize(
    ("named", "english", "chinese"),
    [
        ({}, "the whole campaign", "整个活动"),
        ({"tier": "off20"}, "tier “满100减20”", "券种“满100减20”"),
        (
            {"round": "2", "district": "310101"},
            "round 2, residents of 黄浦区",
            "第 2 轮，黄浦区居民",
        ),
        (
            {"merchant": "huilian", "store": "xujiahui"},
            "store 徐家汇店 (huilian/xujiahui)",
            "门店 徐家汇店 (huilian/xujiahui)",
        ),
        (
            {"source": "city", "channel": "wechat", "day": "2026-05-01"},
            "money of 市财政, channel wechat, the day 2026-05-01",
            "市财政的资金，渠道 wechat，2026-05-01 当日",
        ),
        (
            {"tier": "gone", "merchant": "m", "store": "7"},
            "tier “gone”, store m/7",
            "券种“gone”，门店 m/7",
        ),
    ],
)
def test_a_slice_is_named_as_people_know_it(
    named: dict[str, str], english: str, chinese: str
) -> None:
    cast.district()
    with translation.override("en"):
        assert slice_text(named, tiers=TIERS, sources=SOURCES, stores=STORES) == english
    with translation.override("zh-hans"):
        assert slice_text(named, tiers=TIERS, sources=SOURCES, stores=STORES) == chinese
