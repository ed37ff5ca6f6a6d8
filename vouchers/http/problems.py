"""What is wrong with a body, in Chinese: the sentences of msgspec, and those of the parsers here.

A program reads `field`; the sentence is for the person who mends the program.
"""

import re
from typing import Final

from django.utils import translation
from django.utils.translation import gettext

_TYPES: Final = {
    "int": "整数",
    "float": "数字",
    "str": "文本",
    "bool": "布尔值",
    "null": "空值（null）",
    "object": "对象",
    "array": "数组",
    "datetime": "时间",
}

_SENTENCES: Final = tuple(
    (re.compile(pattern), chinese)
    for pattern, chinese in (
        (r"Expected `(?P<wanted>[^`]+)`, got `(?P<got>[^`]+)`", "应为{wanted}，实际为{got}"),
        (r"Expected `(?P<wanted>[^`]+)` (?P<bound>[<>]=? \S+)", "应为{wanted}，且 {bound}"),
        (
            r"Expected `(?P<wanted>[^`]+)` of length (?P<bound>[<>]= \d+)",
            "应为{wanted}，长度 {bound}",
        ),
        (
            r"Expected `(?P<wanted>[^`]+)` of at most length (?P<bound>\d+)(?:, got \d+)?",
            "应为{wanted}，长度 <= {bound}",
        ),
        (
            r"Expected `(?P<wanted>[^`]+)` matching regex (?P<bound>.+)",
            "应为{wanted}，且符合正则表达式 {bound}",
        ),
        (r"Expected `(?P<wanted>[^`]+)` with a timezone component", "{wanted}须带时区"),
        (r"Object missing required field `(?P<name>[^`]+)`", "缺少必填字段 {name}"),
        (r"Invalid enum value (?P<value>.+)", "不在允许的取值之内：{value}"),
        (r"Invalid RFC3339 encoded datetime", "不是 RFC 3339 格式的时间"),
        (r"(?:Integer value|Number) out of range", "数值超出范围"),
        (r"Input data was truncated", "JSON 不完整"),
        (r"JSON is malformed: .+ \(byte (?P<byte>\d+)\)", "不是合法的 JSON（第 {byte} 字节）"),
        (r"the body is nested more than (?P<most>\d+) levels deep", "请求体嵌套超过 {most} 层"),
        (r"the body is empty", "请求体为空"),
        (r"the body is not UTF-8", "请求体不是 UTF-8 编码"),
        (r"the connection was closed before the body was complete", "请求体尚未收完，连接已断开"),
        (r"the character NUL is not allowed", "不允许出现 NUL 字符"),
        (r"a text has printable characters only", "文本只能含可见字符"),
        (r"a voucher is named by its printed code", "须以券面印制的券码指明优惠券"),
        (
            r"a tier is written campaign/tier, as the list of offers has it",
            "券种须写作“活动/券种”，与可领列表一致",
        ),
        (
            r"longitude, latitude and datum come together or not at all",
            "经度、纬度与坐标系（datum）须同时提供，或都不提供",
        ),
        (
            r"Unknown datum (?P<value>.+); known are (?P<known>.+)\.",
            "未知的坐标系 {value}，可用：{known}",
        ),
        (r"occurred_at is not of this century", "occurred_at 不在本世纪之内"),
        (
            r"eligible_amount_fen exceeds order_amount_fen",
            "可优惠金额（eligible_amount_fen）大于订单金额（order_amount_fen）",
        ),
    )
)


def in_chinese(problem: str) -> str:
    """The sentence in Chinese; one that is known nowhere stays as it is."""
    for pattern, chinese in _SENTENCES:
        if said := pattern.fullmatch(problem):
            return chinese.format_map(
                {
                    name: _types(value) if name in ("wanted", "got") else value
                    for name, value in said.groupdict().items()
                }
            )
    # Of coordinates: the admin shows the same sentences.
    with translation.override("zh-hans"):
        return gettext(problem)


def _types(names: str) -> str:
    """`int | null` in words."""
    return "或".join(_TYPES.get(name, name) for name in names.split(" | "))
