"""Which language a page is in, and its words."""

from enum import StrEnum


class Language(StrEnum):
    """A tree of the documentation."""

    EN = "en"
    ZH = "zh"


class Untranslated(Exception):
    """An English text of the code has no Chinese in `docs/generated/chinese.py`."""


def pick(language: Language, en: str, zh: str) -> str:
    """The one of two texts that the page is in."""
    return zh if language is Language.ZH else en
