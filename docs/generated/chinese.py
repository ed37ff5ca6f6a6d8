"""Chinese of the English texts that commands, calls and locks are described with in the code."""

import tomllib
from pathlib import Path

from docs.generated.language import Language, Untranslated

TEXTS = Path(__file__).resolve().parent.parent / "chinese.toml"
CHINESE: dict[str, str] = tomllib.loads(TEXTS.read_text(encoding="utf-8"))


def translated(text: str, language: Language) -> str:
    """The text in the page's language. Raises Untranslated."""
    if language is Language.EN or not text:
        return text
    if text not in CHINESE:
        raise Untranslated(f"docs/chinese.toml has no Chinese for {text!r}")
    return CHINESE[text]
