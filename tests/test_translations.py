"""Every text for people has its Chinese, and the compiled catalogues are those of the sources."""

import ast
import gettext
import re
from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import flatten, label_for_field
from django.utils import translation
from django.utils.translation.template import templatize

ROOT = Path(__file__).parent.parent
CATALOGUES = [
    ROOT / app / "locale/zh_Hans/LC_MESSAGES" for app in ("vouchers", "merchants", "config")
]
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


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=["vouchers", "merchants", "config"])
def test_nothing_is_left_untranslated(catalogue: Path) -> None:
    assert [english for english, _, chinese in entries(catalogue) if not chinese] == []


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=["vouchers", "merchants", "config"])
def test_translations_keep_the_figures_of_the_text(catalogue: Path) -> None:
    for english, plural, chinese in entries(catalogue):
        assert sorted(PLACEHOLDER.findall(plural)) == sorted(PLACEHOLDER.findall(chinese)), english


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=["vouchers", "merchants", "config"])
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


MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
"""Functions whose first argument is a text to be translated."""


def marked(source: str) -> Iterator[str]:
    """The texts marked for translation in Python's source."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        text = node.args[0]
        if name in MARKS and isinstance(text, ast.Constant) and isinstance(text.value, str):
            yield text.value


def marked_in_template(source: str) -> Iterator[str]:
    """The same of a template, which Django turns into calls with blanks round about."""
    calls = re.findall(r"""\b_?n?(?:gettext|_)\(u?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""", source)
    yield from map(literal_eval, calls)


def texts() -> Iterator[tuple[str, Path]]:
    """Every text of ours that people may read, and where it stands."""
    for app in ("vouchers", "merchants", "config"):
        for path in (ROOT / app).rglob("*.py"):
            if "migrations" not in path.parts:
                yield from ((text, path) for text in marked(path.read_text("utf-8")))
        for path in (ROOT / app).rglob("*.html"):
            calls = templatize(path.read_text("utf-8"))
            yield from ((text, path) for text in marked_in_template(calls))


def test_every_text_in_code_and_templates_has_its_chinese() -> None:
    """In a catalogue of ours, or in Django's own."""
    ours = {english for catalogue in CATALOGUES for english, _, _ in entries(catalogue)}
    with translation.override("zh-hans"):
        missing = {
            (text, str(path.relative_to(ROOT)))
            for text, path in texts()
            if text not in ours and translation.gettext(text) == text
        }
    assert missing == set()


def test_texts_are_found_in_code_and_in_templates() -> None:
    assert list(marked('title = _("Map")\nngettext("%d day", "%d days", n)')) == ["Map", "%d day"]
    template = (
        '{% load i18n %}{% translate "Map" %}{% blocktranslate %}of {{ n }}{% endblocktranslate %}'
    )
    assert list(marked_in_template(templatize(template))) == ["Map", "of %(n)s"]


UNSEEN = {"__str__", "action_checkbox", "seen_edit"}
NAMES_ALIKE = {"SHA-256"}
"""Columns that are called the same in both languages."""


def test_every_column_and_field_of_the_admin_has_a_chinese_name() -> None:
    """Also what Django calls a column by itself, which no catalogue has: ID, Id."""
    heads = set()
    with translation.override("zh-hans"):
        for model, page in admin.site._registry.items():
            sets: list[Any] = [options["fields"] for _name, options in page.fieldsets or ()]
            names: list[Any] = [page.list_display, page.fields or (), *sets]
            for name in flatten(names):
                if name in UNSEEN:
                    continue
                head = str(label_for_field(name, model, page))
                if not re.search(r"[\u4e00-\u9fff]", head):
                    heads.add((page.__class__.__name__, name, head))
    assert {head for head in heads if head[2] not in NAMES_ALIKE} == set()
