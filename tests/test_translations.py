"""Every text for people has its Chinese, and the compiled catalogues are those of the sources."""

import gettext
import re
from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CATALOGUES = [ROOT / app / "locale/zh_Hans/LC_MESSAGES" for app in ("vouchers", "merchants")]
PLACEHOLDER = re.compile(r"%\(\w+\)[\d.]*[a-z]|%[\d.]*[a-z]|\{\w+\}")


LINES = r'((?:".*"\n?)+)'
# Chinese has one form for any number; its figures are those of the English plural.
ENTRY = re.compile(
    rf"^msgid {LINES}(?:msgid_plural {LINES})?msgstr(?:\[0\])? {LINES}", re.MULTILINE
)


def entries(catalogue: Path) -> Iterator[tuple[str, str, str]]:
    """English, its plural where it has one (else itself), and Chinese, as the .po file has them."""
    for entry in (catalogue / "django.po").read_text().split("\n\n")[1:]:
        parts = ENTRY.search(entry)
        assert parts, entry
        english, plural, chinese = (
            "".join(literal_eval(line) for line in (part or "").splitlines())
            for part in parts.groups()
        )
        yield english, plural or english, chinese


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=["vouchers", "merchants"])
def test_nothing_is_left_untranslated(catalogue: Path) -> None:
    assert [english for english, _, chinese in entries(catalogue) if not chinese] == []


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=["vouchers", "merchants"])
def test_translations_keep_the_figures_of_the_text(catalogue: Path) -> None:
    for english, plural, chinese in entries(catalogue):
        assert sorted(PLACEHOLDER.findall(plural)) == sorted(PLACEHOLDER.findall(chinese)), english


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=["vouchers", "merchants"])
def test_the_compiled_catalogue_is_that_of_the_source(catalogue: Path) -> None:
    with (catalogue / "django.mo").open("rb") as compiled:
        translations = gettext.GNUTranslations(compiled)
    for english, plural, chinese in entries(catalogue):
        is_plural = plural != english
        translated = (
            translations.ngettext(english, plural, 2)
            if is_plural
            else translations.gettext(english)
        )
        assert translated == chinese
