"""The refusal codes, from the catalogue that handler and OpenAPI use."""

from collections.abc import Iterator

from docs.generated.language import Language, pick
from docs.generated.markdown import code, table
from vouchers.errors import CATALOGUE
from vouchers.errors.meaning import Audience, Meaning

Row = tuple[str, str, str, str, str, str]


def till(language: Language) -> str:
    """What a cashier can meet."""
    return _table(language, "till")


def channel(language: Language) -> str:
    """What only residents in a channel's app can meet."""
    return _table(language, "channel")


def integrator(language: Language) -> str:
    """What only the program of a till can meet."""
    return _table(language, "integrator")


def manager(language: Language) -> str:
    """What the admin's pages and the commands can answer."""
    return _table(language, "manager")


def _table(language: Language, audience: Audience) -> str:
    heads = pick(
        language,
        "code, rule|HTTP|retry?|decided by|English|Chinese",
        "代码、规则|HTTP|可重试|由谁决定|英文|中文",
    ).split("|")
    chosen = (it for it in CATALOGUE.values() if it.audience == audience)
    return table(heads, (row for it in chosen for row in _rows(it, language)))


def _rows(it: Meaning, language: Language) -> Iterator[Row]:
    """The code itself, then the rules that say more."""
    yes, no = pick(language, "yes|no", "是|否").split("|")
    again = yes if it.retryable else no
    yield code(it.code), str(it.status), again, it.authority, it.en, it.zh
    for rule, wording in it.by_rule.items():
        again = yes if wording.retryable else no
        yield f"– {code(rule)}", "", again, "", wording.en, wording.zh
