"""How many vouchers are used, and when: of cities that published it, and of past campaigns. Pure.

A rate has two parts: the share of vouchers that is used before its validity ends, and the curve of
*when*, as the cumulative share of those used after each twentieth of the validity.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vouchers.rules.campaigns.presets import Text

STEPS: Final = 20
"""Into so many equal parts a validity is divided."""
HALF_AT: Final = 0.25
"""Of the validity: where half of the vouchers that will be used have been, without better
knowledge. An assumption of ours, for no city has published its days."""
LEAST_ISSUED: Final = 100
"""Of fewer vouchers no rate is taken: chance would decide, and single people could be told."""


def early_curve(half_at: float = HALF_AT) -> tuple[float, ...]:
    """Use that decays by half every `half_at` of the validity, cut off at its end:
    (1 − 2^(−u/h)) / (1 − 2^(−1/h)) at each u = 1/20 … 1."""
    whole = 1 - 2 ** (-1 / half_at)
    parts = ((1 - 2 ** (-step / STEPS / half_at)) / whole for step in range(1, STEPS))
    return (*parts, 1.0)


EARLY: Final = early_curve()


@dataclass(frozen=True, slots=True)
class Rate:
    """`used` is the share from 0 to 1; `curve` has STEPS shares, ascending to 1."""

    used: float
    curve: tuple[float, ...] = EARLY


@dataclass(frozen=True, slots=True)
class RatePreset:
    """A rate that was published, and by whom."""

    key: str
    name: Text
    used: float
    source: Text


PRESETS: Final = (
    RatePreset(
        "low",
        Text("low", "低"),
        0.42,
        Text(
            "SingapoRediscovers vouchers, for trips that few needed: 1.25 of 2.96 million adults"
            " had used some of theirs by 21 Oct 2021 (TODAY, 2 Nov 2021); a share of people, so the"
            " share of vouchers is at most that",
            "新加坡 SingapoRediscovers 旅游券（并非人人需要）：截至 2021 年 10 月 21 日，"
            "296 万成年人中 125 万人至少用过一次（TODAY，2021 年 11 月 2 日）；"
            "这是人数占比，券数占比不会更高",
        ),
    ),
    RatePreset(
        "usual",
        Text("usual", "一般"),
        0.848,
        Text(
            "Hangzhou, first round of August 2022: ¥84.84 million of ¥100 million used"
            " (ehangzhou.gov.cn, 16 Sep 2022)",
            "杭州 2022 年 8 月首轮：1 亿元中使用 8,484 万元"
            "（ehangzhou.gov.cn，2022 年 9 月 16 日）",
        ),
    ),
    RatePreset(
        "high",
        Text("high", "高"),
        0.975,
        Text(
            "Singapore's CDC vouchers of 2024, as good as cash in every neighbourhood: 97.5 % of"
            " what was claimed was spent (CNA, 3 Jan 2025)",
            "新加坡 2024 年 CDC 邻里购物券（几乎等同现金）：领取额的 97.5% 已使用"
            "（CNA，2025 年 1 月 3 日）",
        ),
    ),
)
USUAL: Final = next(preset for preset in PRESETS if preset.key == "usual")


def observed(issued: int, used_by_step: Sequence[int]) -> Rate | None:
    """The rate of vouchers whose validity has ended, given how many were used in each twentieth of
    it; None where too few were issued to tell."""
    used = sum(used_by_step)
    if issued < LEAST_ISSUED:
        return None
    if not used:
        return Rate(0.0)
    running, curve = 0, []
    for count in used_by_step:
        running += count
        curve.append(running / used)
    return Rate(min(used / issued, 1.0), tuple(curve))
