"""Facts of a refusal as a cashier says them aloud: amounts, local times, numbers and words.

Instants among the facts are ISO 8601 with the offset of the campaign's zone, so that their digits
are the local time.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

from merchants.errors import Fact

WORDS_ZH: Final[Mapping[str, str]] = {
    "authorised": "预核销",
    "captured": "核销",
    "voided": "撤销",
    "reversed": "冲正",
    "refunded": "退款",
    "minute": "分钟",
    "day": "日",
    "week": "周",
    "campaign": "活动期间",
    "in_store": "到店",
    "delivered": "外送",
}
WORDS_EN: Final[Mapping[str, str]] = {"in_store": "in-store", "delivered": "delivery"}
IN_ANY_YEAR: Final = frozenset({"occurred_at"})
"""Instants that a till says: where its clock is wrong, often the year is."""


class SpokenFacts(dict[str, str]):
    """The facts of a refusal by name, for `str.format_map`: `x_fen` is there as `x`, `x` also as
    `x_zh`, a missing one as a dash."""

    def __init__(self, facts: Mapping[str, Fact], language: str) -> None:
        self._is_zh = language.startswith("zh")
        super().__init__({name: self._spoken(name, value) for name, value in facts.items()})
        for name, value in facts.items():
            if name.endswith("_fen") and isinstance(value, int):
                self.setdefault(name.removesuffix("_fen"), amount(value, language))

    def __missing__(self, name: str) -> str:
        return self[name.removesuffix("_zh")] if name.endswith("_zh") else "–"

    def _spoken(self, name: str, value: Fact) -> str:
        text = str(value)
        if name.endswith(("_at", "_day")):
            return moment(text, "zh" if self._is_zh else "en", has_year=name in IN_ANY_YEAR)
        if name == "limit":
            return f"{text} 张" if self._is_zh else f"{text} voucher{'s' * (text != '1')}"
        return (WORDS_ZH if self._is_zh else WORDS_EN).get(text, text)


def amount(amount_fen: int, language: str) -> str:
    """`123450` → `¥1,234.50`, in Chinese `1234.5元`; whole yuan without decimals."""
    whole, part = divmod(abs(amount_fen), 100)
    sign = "-" if amount_fen < 0 else ""
    if language.startswith("zh"):
        decimals = f".{part:02d}".rstrip("0") if part else ""
        return f"{sign}{whole}{decimals}元"
    return f"{sign}¥{whole:,}" + (f".{part:02d}" if part else "")


def moment(text: str, language: str, *, has_year: bool = False) -> str:
    """A local instant or day in ISO 8601 as it is said: `12月1日 10:00`, `1 December, 10:00`, with
    the year where it `has_year`; what is neither is returned as it is."""
    try:
        if len(text) == len("2026-12-01"):
            return _day(date.fromisoformat(text), language, has_year=has_year)
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    separator = " " if language.startswith("zh") else ", "
    zone = "" if at.utcoffset() else " UTC"
    return f"{_day(at.date(), language, has_year=has_year)}{separator}{at:%H:%M}{zone}"


def _day(day: date, language: str, *, has_year: bool) -> str:
    if language.startswith("zh"):
        return f"{day.year}年{day.month}月{day.day}日" if has_year else f"{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS[day.month - 1]}" + (f" {day.year}" if has_year else "")


_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
