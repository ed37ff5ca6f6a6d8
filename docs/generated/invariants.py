"""The invariants of the books: what holds, which guards keep it, which tests fail without it.

They are written down in `docs/invariants.toml`; the pages of both languages are made from it.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from docs.generated.language import Language, pick
from docs.generated.markdown import code, table


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """One of them. `guards` are constraints and triggers of the database by name; `besides_*` is
    what guards beside them; `tests` are files, or tests by node id."""

    en: str
    zh: str
    holds_en: str
    holds_zh: str
    guards: tuple[str, ...]
    besides_en: str = ""
    besides_zh: str = ""
    tests: tuple[str, ...]


WRITTEN = Path(__file__).resolve().parent.parent / "invariants.toml"
INVARIANTS = tuple(
    Invariant(**it) for it in tomllib.loads(WRITTEN.read_text(encoding="utf-8"))["invariant"]
)


def invariants(language: Language) -> str:
    """The table with guards and tests."""
    heads = pick(
        language, "no|invariant|guards|tests that fail without", "序号|不变量|守卫|缺失时失败的测试"
    )
    return table(heads.split("|"), (_row(n, it, language) for n, it in enumerate(INVARIANTS, 1)))


def _row(number: int, it: Invariant, language: Language) -> tuple[str, str, str, str]:
    title, holds = pick(language, it.en, it.zh), pick(language, it.holds_en, it.holds_zh)
    guards = [code(name) for name in it.guards]
    if besides := pick(language, it.besides_en, it.besides_zh):
        guards.append(besides)
    joined = pick(language, "; ", "；").join
    return str(number), f"**{title}.** {holds}", joined(guards), joined(map(code, it.tests))
