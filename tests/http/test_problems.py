"""What is wrong with a body is said in Chinese too, in whole sentences."""

import re
from datetime import datetime
from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta

from merchants.geo import CoordinateFault
from vouchers.http.problems import in_chinese


class Body(msgspec.Struct):
    """A field of each kind that the calls have."""

    amount: Annotated[int, Meta(ge=1, le=100)] = 1
    name: Annotated[str, Meta(min_length=1, max_length=3)] = "a"
    digits: Annotated[str, Meta(pattern="^[0-9]+$")] = "1"
    place: float | None = None
    kind: Literal["in_store", "delivered"] = "in_store"
    at: Annotated[datetime, Meta(tz=True)] | None = None
    tags: Annotated[list[int], Meta(max_length=2)] = []
    whole: bool = True


@pytest.mark.parametrize(
    ("body", "chinese"),
    [
        (b'{"amount": "1"}', "应为整数，实际为文本"),
        (b'{"amount": 0}', "应为整数，且 >= 1"),
        (b'{"amount": 1e999}', "数值超出范围"),
        (b'{"name": ""}', "应为文本，长度 >= 1"),
        (b'{"name": "abcd"}', "应为文本，长度 <= 3"),
        (b'{"digits": "x"}', "应为文本，且符合正则表达式 '^[0-9]+$'"),
        (b'{"place": "x"}', "应为数字或空值（null），实际为文本"),
        (b'{"kind": "flown"}', "不在允许的取值之内：'flown'"),
        (b'{"at": "noon"}', "不是 RFC 3339 格式的时间"),
        (b'{"at": "2026-12-01T12:00:00"}', "时间须带时区"),
        (b'{"tags": [1, 2, 3]}', "应为数组，长度 <= 2"),
        (b'{"tags": {}}', "应为数组，实际为对象"),
        (b'{"whole": 1}', "应为布尔值，实际为整数"),
        (b'{"whole": ', "JSON 不完整"),
        (b"whole", "不是合法的 JSON（第 0 字节）"),
    ],
)
def test_what_the_parser_says(body: bytes, chinese: str) -> None:
    with pytest.raises(msgspec.DecodeError) as said:
        msgspec.json.decode(body, type=Body)
    assert in_chinese(str(said.value).partition(" - at ")[0]) == chinese


@pytest.mark.parametrize("fault", CoordinateFault)
def test_what_is_wrong_with_a_position(fault: CoordinateFault) -> None:
    assert re.search(r"[\u4e00-\u9fff]", in_chinese(fault.sentence))


def test_what_is_known_nowhere_stays_as_it_is() -> None:
    assert in_chinese("the moon is full") == "the moon is full"
