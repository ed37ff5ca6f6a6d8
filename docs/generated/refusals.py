"""The refusal codes, from the catalogue that handler and OpenAPI use."""

from docs.generated.language import Language, pick
from docs.generated.markdown import code, table
from vouchers.errors import CATALOGUE
from vouchers.errors.meaning import Audience


def till(language: Language) -> str:
    """What a till or an integrator can meet."""
    return _table(language, "till")


def manager(language: Language) -> str:
    """What the admin's pages and the commands can answer."""
    return _table(language, "manager")


def _table(language: Language, audience: Audience) -> str:
    heads = pick(
        language,
        "code|HTTP|retry?|decided by|English|Chinese",
        "代码|HTTP|可重试|由谁决定|英文|中文",
    ).split("|")
    yes, no = pick(language, "yes|no", "是|否").split("|")
    return table(
        heads,
        (
            (
                code(it.code),
                str(it.status),
                yes if it.retryable else no,
                it.authority,
                it.en,
                it.zh,
            )
            for it in CATALOGUE.values()
            if it.audience == audience
        ),
    )
