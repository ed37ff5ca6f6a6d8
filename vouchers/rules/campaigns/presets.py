"""Campaigns that cities have run, as drafts to begin with: data alone. Pure.

Figures are starting points: every one of them can be changed in the draft.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from vouchers.rules.campaigns.declaration import DAY_S, MINUTE_S
from vouchers.states import (
    LimitKind,
    RefundPolicy,
    RoundWay,
    SelectionMethod,
    TierKind,
)

HOUR_S: Final = 60 * MINUTE_S


class Text(NamedTuple):
    """A text in both languages."""

    en: str
    zh: str

    def of(self, language: str) -> str:
        """The text in a language; English but for Chinese."""
        return self.zh if language.startswith("zh") else self.en


class SourcePlan(NamedTuple):
    """Who pays, and what per cent of every face."""

    code: str
    name: Text
    percent: int


@dataclass(frozen=True, slots=True)
class TierPlan:
    """A tier and how many vouchers of it there are."""

    code: str
    face_fen: int
    threshold_fen: int
    count: int
    kind: TierKind = TierKind.THRESHOLD
    per_resident: int = 1

    @property
    def name(self) -> Text:
        """As shoppers know it: 300−90, 满300减90."""
        off, above = self.face_fen // 100, self.threshold_fen // 100
        if self.kind is TierKind.FLAT:
            return Text(f"{off} off", f"立减{off}")
        return Text(f"{above}−{off}", f"满{above}减{off}")


class WeeklyPlan(NamedTuple):
    """Rounds at the same time of every week; each has an equal part of the money. `weekday` 0 is
    Monday."""

    weekday: int
    hour: int
    weeks: int
    open_for_s: int
    way: RoundWay


@dataclass(frozen=True, slots=True)
class Preset:
    """A kind of campaign: whom it is for, what it costs, how tills typically refuse, and terms."""

    key: str
    title: Text
    who: Text
    refusals: tuple[Text, ...]
    days: int
    sources: tuple[SourcePlan, ...]
    tiers: tuple[TierPlan, ...]
    options: Mapping[str, Any]
    limits: Mapping[LimitKind, int] = field(default_factory=dict)
    rings: tuple[int, ...] = ()
    """Where rings end, in metres, nearest first."""
    rounds: WeeklyPlan | None = None
    channels: tuple[str, ...] = ()
    """Channels that share the vouchers equally."""

    @property
    def planned_fen(self) -> int:
        """Face × count of all tiers."""
        return sum(tier.face_fen * tier.count for tier in self.tiers)

    @property
    def count(self) -> int:
        """The vouchers of all tiers."""
        return sum(tier.count for tier in self.tiers)


CITY: Final = Text("City finance bureau", "市财政")
GROUP: Final = Text("Department-store group", "百货集团")
MERCHANTS: Final = Text("Merchants", "参与商户")
PLATFORM: Final = Text("Payment platform", "支付平台")
ALL_CITY: Final = (SourcePlan("city", CITY, 100),)

OUTSIDE: Final = Text(
    "“This store takes no part”: another branch, or a brand within the mall",
    "“本店不参加”：同品牌其他门店，或商场内的专柜",
)
BELOW: Final = Text("“The order is below the threshold”", "“订单金额未达到使用门槛”")
TODAY: Final = Text(
    "“Today's limit is used up; again from midnight”", "“今日次数已用完，零点后再来”"
)
WEEK: Final = Text("“This week's limit is used up”", "“本周次数已用完”")
GONE: Final = Text("“All gone” within seconds of 10:00", "“已领完”：10:00 后数秒内领完")
EARLY: Final = Text("“It opens at 10:00”", "“10:00 开始领取”")
OVER: Final = Text("“The voucher has expired”", "“券已过期”")
CATEGORY: Final = Text("“Tobacco and alcohol are not covered”", "“烟酒类商品不可使用”")
SHOWN: Final = Text(
    "“Show the code on the phone or the paper”: its number alone is refused",
    "“请出示手机上的券码或纸质券”：仅报号码不予核销",
)
BUSY_SHOP: Final = Text("“The store's limit of the day is reached”", "“本店今日核销已达上限”")

PRESETS: Final = (
    Preset(
        key="radius-push",
        title=Text("Radius push of a department store", "百货商圈半径投放"),
        who=Text(
            "Residents within 3 km of any store of one group, nearest first; without application.",
            "集团任一门店 3 公里内的居民，就近优先；无需申领。",
        ),
        refusals=(OUTSIDE, BELOW, TODAY, OVER),
        days=60,
        sources=(SourcePlan("city", CITY, 80), SourcePlan("group", GROUP, 20)),
        tiers=(
            TierPlan("off90", 9_000, 30_000, 2_000_000),
            TierPlan("off180", 18_000, 50_000, 1_000_000),
            TierPlan("off400", 40_000, 100_000, 350_000),
        ),
        options={
            "validity_s": 14 * DAY_S,
            "radius_m": 3_000,
            "order_kinds": ["in_store"],
            "selection_method": SelectionMethod.NEAREST.value,
            "refund_policy": RefundPolicy.RETURN.value,
            "order_numbers": ["payment_ref"],
        },
        limits={
            LimitKind.RESIDENT_DAY: 1,
            LimitKind.RESIDENT_CAMPAIGN: 3,
            LimitKind.STORE_MINUTE: 60,
            LimitKind.LINK_DAY: 2,
        },
        rings=(1_000, 2_000, 3_000),
    ),
    Preset(
        key="sports",
        title=Text("Sports vouchers in weekly drops", "体育消费券（每周定时发放）"),
        who=Text(
            "Residents within 5 km of a venue, by lot; a third is guaranteed to those of 60 and"
            " more. Sixteen Fridays at 10:00.",
            "场馆 5 公里内的居民，随机抽取；三分之一保证给 60 岁及以上居民。"
            "连续 16 周，每周五 10:00 发放。",
        ),
        refusals=(TODAY, WEEK, BELOW, OUTSIDE),
        days=120,
        sources=ALL_CITY,
        tiers=(
            TierPlan("off20", 2_000, 4_000, 400_000),
            TierPlan("off50", 5_000, 10_000, 240_000),
        ),
        options={
            "validity_s": 7 * DAY_S,
            "radius_m": 5_000,
            "order_kinds": ["in_store"],
            "selection_method": SelectionMethod.RANDOM.value,
            "senior_share_bp": 3_333,
            "refund_policy": RefundPolicy.RETURN.value,
        },
        limits={
            LimitKind.RESIDENT_DAY: 1,
            LimitKind.RESIDENT_WEEK: 2,
            LimitKind.STORE_MINUTE: 30,
        },
        rounds=WeeklyPlan(4, 10, 16, 3 * DAY_S, RoundWay.DROP),
    ),
    Preset(
        key="small-shops",
        title=Text("Small-shop co-funding", "小店共担"),
        who=Text(
            "Residents within 2 km of shops that could issue no voucher alone, by districts in"
            " proportion to their people; half is guaranteed to those nearest to a small shop.",
            "无力单独发券的小店 2 公里内的居民，按各区人口分配；一半保证给离小店最近的居民。",
        ),
        refusals=(BELOW, BUSY_SHOP, CATEGORY, OVER),
        days=90,
        sources=(
            SourcePlan("city", CITY, 50),
            SourcePlan("merchants", MERCHANTS, 30),
            SourcePlan("platform", PLATFORM, 20),
        ),
        tiers=(
            TierPlan("off10", 1_000, 3_000, 600_000),
            TierPlan("off30", 3_000, 10_000, 200_000),
        ),
        options={
            "validity_s": 21 * DAY_S,
            "radius_m": 2_000,
            "order_kinds": ["in_store", "delivered"],
            "excluded_categories": ["tobacco", "alcohol"],
            "selection_method": SelectionMethod.DISTRICTS.value,
            "small_shop_share_bp": 5_000,
            "refund_policy": RefundPolicy.PRO_RATA.value,
            "order_numbers": ["payment_ref", "receipt_no"],
        },
        limits={
            LimitKind.RESIDENT_DAY: 2,
            LimitKind.STORE_MINUTE: 10,
            LimitKind.STORE_DAY: 300,
            LimitKind.LINK_DAY: 4,
        },
    ),
    Preset(
        key="first-come",
        title=Text("First-come grab", "定时先到先得"),
        who=Text(
            "First come, first served on the app, within 5 km of a store; four Saturdays at 10:00"
            " sharp. Most get nothing, and get the answer at once.",
            "门店 5 公里内、在应用上最先领取的居民；连续 4 周，每周六 10:00 整开抢。"
            "多数人领不到，会立即得到答复。",
        ),
        refusals=(EARLY, GONE, TODAY, BELOW),
        days=35,
        sources=ALL_CITY,
        tiers=(TierPlan("off30", 3_000, 10_000, 200_000),),
        options={
            "validity_s": 7 * DAY_S,
            "radius_m": 5_000,
            "order_kinds": ["in_store"],
            "refund_policy": RefundPolicy.FORFEIT.value,
            "presence_required": True,
        },
        limits={
            LimitKind.RESIDENT_DAY: 1,
            LimitKind.RESIDENT_CAMPAIGN: 4,
            LimitKind.STORE_MINUTE: 60,
            LimitKind.LINK_DAY: 1,
        },
        rounds=WeeklyPlan(5, 10, 4, 2 * HOUR_S, RoundWay.CLAIM),
    ),
    Preset(
        key="elder-meals",
        title=Text("Elder meals by proxy", "长者助餐（可由他人代用）"),
        who=Text(
            "Residents of 60 and more within 1.5 km of a canteen, highest need first; family or a"
            " volunteer may show the voucher, also on paper.",
            "助餐点 1.5 公里内的 60 岁及以上居民，按需优先；家人或志愿者可代为出示，也可用纸质券。",
        ),
        refusals=(SHOWN, TODAY, CATEGORY, OUTSIDE),
        days=90,
        sources=ALL_CITY,
        tiers=(TierPlan("meal8", 800, 0, 1_250_000, kind=TierKind.FLAT, per_resident=25),),
        options={
            "validity_s": 30 * DAY_S,
            "radius_m": 1_500,
            "audience_filter": {"age_min": 60},
            "order_kinds": ["in_store", "delivered"],
            "excluded_categories": ["tobacco", "alcohol"],
            "selection_method": SelectionMethod.NEED.value,
            "refund_policy": RefundPolicy.RETURN.value,
            "presence_required": True,
        },
        limits={LimitKind.RESIDENT_DAY: 2, LimitKind.STORE_MINUTE: 20},
    ),
    Preset(
        key="dining",
        title=Text("Dining tiers", "餐饮分档券"),
        who=Text(
            "Residents within 5 km of a restaurant, by lot; three channels have equal shares.",
            "餐厅 5 公里内的居民，随机抽取，三个渠道各占三分之一。",
        ),
        refusals=(BELOW, TODAY, OUTSIDE, OVER),
        days=60,
        sources=ALL_CITY,
        tiers=(
            TierPlan("off90", 9_000, 30_000, 480_000),
            TierPlan("off180", 18_000, 50_000, 240_000),
            TierPlan("off400", 40_000, 100_000, 144_000),
        ),
        options={
            "validity_s": 14 * DAY_S,
            "radius_m": 5_000,
            "order_kinds": ["in_store"],
            "excluded_categories": ["tobacco", "alcohol"],
            "selection_method": SelectionMethod.RANDOM.value,
            "refund_policy": RefundPolicy.RETURN.value,
        },
        limits={
            LimitKind.RESIDENT_DAY: 1,
            LimitKind.RESIDENT_CAMPAIGN: 3,
            LimitKind.STORE_MINUTE: 30,
        },
        channels=("alipay", "unionpay", "wechat"),
    ),
)
"""In the order of their cards."""

BY_KEY: Final[Mapping[str, Preset]] = {preset.key: preset for preset in PRESETS}
