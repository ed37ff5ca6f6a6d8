"""The environment variables, from `config/variables.py`."""

from config.variables import VARIABLES
from docs.generated.language import Language, pick
from docs.generated.markdown import code, table


def variables(language: Language) -> str:
    """All of them; those production stops without are marked."""
    heads = pick(language, "variable|if not set|meaning", "变量|未设置时|含义").split("|")
    needed = pick(language, " **Needed in production.**", " **生产环境必须设置。**")
    return table(
        heads,
        (
            (
                code(it.name),
                pick(language, it.default_en, it.default_zh),
                pick(language, it.en, it.zh) + (needed if it.needed else ""),
            )
            for it in VARIABLES
        ),
    )
