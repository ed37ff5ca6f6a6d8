"""The order of locks, from the module that declares them."""

from docs.generated.chinese import translated
from docs.generated.language import Language, pick
from docs.generated.markdown import table
from vouchers.models.locks import LOCK_ORDER


def order(language: Language) -> str:
    """The classes in their order: what each is in PostgreSQL, and what it is for."""
    heads = pick(language, "no|class|lock|what for", "序号|类别|锁|用途").split("|")
    return table(
        heads,
        (
            (
                str(number),
                *(translated(text, language) for text in (it.name, it.means.value, it.purpose)),
            )
            for number, it in enumerate(LOCK_ORDER, 1)
        ),
    )
