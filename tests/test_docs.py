"""The documentation says what the code does, the same in both languages."""

import re
from pathlib import Path

import pytest
from django.db import connection

from config.variables import VARIABLES
from docs.generated.commands import own_commands
from docs.generated.invariants import INVARIANTS
from docs.generated.language import Language
from docs.generated.mutations import kept
from docs.generated.pages import PAGES
from tests.mutations.table import MUTATIONS
from vouchers.errors import CATALOGUE

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text(encoding="utf-8")
README_LINES_MAX = 150
FENCE = re.compile(r"^(`{3,}|:{3,}).*?^\1$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) ", re.MULTILINE)
EMBEDDED = re.compile(r"^```\{generated\} (\S+)$|!\[[^\]]*\]\(([^)]+)\)", re.MULTILINE)


def pages_of(language: Language) -> dict[str, str]:
    """Every page of a tree, by its path within."""
    tree = DOCS / language
    return {
        str(path.relative_to(tree)): path.read_text(encoding="utf-8")
        for path in sorted(tree.rglob("*.md"))
    }


def files_of(language: Language) -> set[str]:
    tree = DOCS / language
    return {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}


def heading_levels(page: str) -> list[int]:
    """The levels of a page's headings in their order, those in code left out."""
    return [len(marks) for marks in HEADING.findall(FENCE.sub("", page))]


ENGLISH, CHINESE = pages_of(Language.EN), pages_of(Language.ZH)


def test_both_trees_have_the_same_files() -> None:
    assert files_of(Language.EN) == files_of(Language.ZH)


@pytest.mark.parametrize("path", sorted(ENGLISH))
def test_a_page_has_the_same_parts_in_both_languages(path: str) -> None:
    assert heading_levels(ENGLISH[path]) == heading_levels(CHINESE[path])
    assert EMBEDDED.findall(ENGLISH[path]) == EMBEDDED.findall(CHINESE[path])
    assert re.findall("[\u4e00-\u9fff]{2}", CHINESE[path]), "not in Chinese"


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_part_can_be_made(name: str, language: Language) -> None:
    assert PAGES[name](language).strip()


def test_every_generated_part_is_on_a_page() -> None:
    asked_for = {name for page in ENGLISH.values() for name, _ in EMBEDDED.findall(page) if name}
    assert asked_for == set(PAGES)


@pytest.mark.parametrize("language", Language)
def test_every_refusal_code_is_on_its_page(language: Language) -> None:
    for meaning in CATALOGUE.values():
        row = f"| `{meaning.code}` | {meaning.status} |"
        assert row in PAGES[f"refusals-{meaning.audience}"](language)


def test_a_till_has_at_most_thirty_codes_to_learn() -> None:
    assert sum(meaning.audience == "till" for meaning in CATALOGUE.values()) <= 30


def test_every_variable_that_is_read_is_documented_and_no_other() -> None:
    read = {
        name
        for module in ("settings.py", "embedded.py")
        for name in re.findall(
            r'(?:env\.\w+|environ\.get)\(\s*"([A-Z_]+)"',
            (ROOT / "config" / module).read_text(encoding="utf-8"),
        )
    }
    settings = (ROOT / "config" / "settings.py").read_text(encoding="utf-8")
    secrets = re.search(r"SECRET_NAMES = \((.*?)\)", settings)
    assert secrets
    read |= set(re.findall(r'"([A-Z_]+)"', secrets[1]))
    assert {variable.name for variable in VARIABLES} == read


def test_every_command_is_documented() -> None:
    assert {name for name, _ in own_commands()} == {
        path.stem
        for path in (ROOT / "vouchers/management/commands").glob("*.py")
        if path.stem != "__init__"
    }


# Constraints, unique indexes, triggers, and what the triggers' functions report as a constraint.
GUARDS = r"""
    SELECT conname::text FROM pg_constraint
     UNION SELECT relname FROM pg_class WHERE relkind IN ('i', 'I')
     UNION SELECT regexp_replace(tgname, '^pgtrigger_(.*)_[0-9a-f]{5}$', '\1') FROM pg_trigger
     UNION SELECT (regexp_matches(prosrc, $$'(\w+)'$$, 'g'))[1] FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace
"""


@pytest.mark.django_db
def test_every_guard_of_an_invariant_is_in_the_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute(GUARDS)
        found = {name for (name,) in cursor.fetchall()}
    assert {guard for invariant in INVARIANTS for guard in invariant.guards} - found == set()


@pytest.mark.parametrize("node", sorted({test for it in INVARIANTS for test in it.tests}))
def test_every_test_of_an_invariant_exists(node: str) -> None:
    path, _, name = node.partition("::")
    text = (ROOT / path).read_text(encoding="utf-8")
    assert not name or re.search(rf"(def|class) {name}\b", text)


def test_the_table_of_mutations_is_that_of_the_code() -> None:
    assert {it["name"] for it in kept()["mutations"]} == {it.name for it in MUTATIONS}
    assert {it["outcome"] for it in kept()["mutations"]} == {"killed"}


def test_the_readme_is_short_and_names_every_invariant() -> None:
    assert len(README.splitlines()) <= README_LINES_MAX
    assert [it.en for it in INVARIANTS if f"**{it.en}**" not in README] == []


def test_every_link_of_the_readme_leads_to_a_file() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
