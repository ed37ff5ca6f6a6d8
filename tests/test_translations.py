"""Every text for people has its Chinese, and the compiled catalogues are those of the sources."""

import gettext
import re
from ast import literal_eval
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CATALOGUES = [ROOT / app / "locale/zh_Hans/LC_MESSAGES" for app in ("vouchers", "merchants")]
PLACEHOLDER = re.compile(r"%\(\w+\)[\d.]*[a-z]|%[\d.]*[a-z]|\{\w+\}")


def texts(catalogue: Path) -> dict[str, str]:
    """English to Chinese, as the .po file has them."""
    found = {}
    for entry in (catalogue / "django.po").read_text().split("\n\n")[1:]:
        parts = re.search(r"^msgid ((?:\".*\"\n?)+)msgstr ((?:\".*\"\n?)+)", entry, re.MULTILINE)
        assert parts, entry
        english, chinese = (
            "".join(literal_eval(line) for line in part.splitlines()) for part in parts.groups()
        )
        found[english] = chinese
    return found


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=["vouchers", "merchants"])
def test_nothing_is_left_untranslated(catalogue: Path) -> None:
    assert [english for english, chinese in texts(catalogue).items() if not chinese] == []


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=["vouchers", "merchants"])
def test_translations_keep_the_figures_of_the_text(catalogue: Path) -> None:
    for english, chinese in texts(catalogue).items():
        assert sorted(PLACEHOLDER.findall(english)) == sorted(PLACEHOLDER.findall(chinese)), english


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=["vouchers", "merchants"])
def test_the_compiled_catalogue_is_that_of_the_source(catalogue: Path) -> None:
    with (catalogue / "django.mo").open("rb") as compiled:
        translations = gettext.GNUTranslations(compiled)
    for english, chinese in texts(catalogue).items():
        assert translations.gettext(english) == chinese
