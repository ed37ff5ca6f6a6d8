"""Modules that docstrings and comments name exist, as does what they name in a module."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sources import statements_of

ROOT = Path(__file__).parent.parent
PACKAGES = ("config", "merchants", "vouchers", "tests")
# A path or dotted name may leave out `vouchers` or `merchants`.
STARTS = sorted(
    {
        *PACKAGES,
        *(
            path.name.removesuffix(".py")
            for package in ("vouchers", "merchants")
            for path in (ROOT / package).iterdir()
            if (path.is_dir() or path.suffix == ".py") and not path.name.startswith(("_", "."))
        ),
    }
)
FIRST = rf"(?:{'|'.join(STARTS)})"
PATH = re.compile(rf"(?<![\w/.:-]){FIRST}/\w+(?:/\w+)*(?:\.\w+|\*)?(?![\w/])")
DOTTED = re.compile(rf"`({FIRST}(?:\.(?!pyz\b)\w+)+)`")
COMMENT = re.compile("#.*")
"""All that may be one; what follows such a sign in a text is held to the same."""
EXTENSIONS = ("", ".py", "/__init__.py")


def sources() -> list[str]:
    """Python files under version control, migrations apart."""
    listed = subprocess.run(
        ["git", "ls-files", "--", *(f"{package}/*.py" for package in PACKAGES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.split() if "/migrations/" not in name]


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Docstrings and comments with their first line."""
    for node in statements_of(text):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.lineno, node.value.value
    for number, line in enumerate(text.splitlines(), 1):
        if found := COMMENT.search(line):
            yield number, found[0]


def is_path(named: str) -> bool:
    """Whether a path, from the root or an app, is a file or folder; `*` stands for the rest."""
    if named.endswith("*"):
        return any(any((ROOT / base).glob(named)) for base in (".", "vouchers", "merchants"))
    return any(
        (ROOT / base / f"{named}{extension}").exists()
        for base in (".", "vouchers", "merchants")
        for extension in EXTENSIONS
    )


def is_module_or_name_in_one(named: str) -> bool:
    """Whether the longest module that a dotted name begins with has the rest."""
    parts = named.split(".")
    for size in range(len(parts), 0, -1):
        for base in (".", "vouchers", "merchants"):
            module = ROOT.joinpath(base, *parts[:size])
            files = [f for f in (module.with_suffix(".py"), module / "__init__.py") if f.exists()]
            if files and size == len(parts):
                return True
            if files:
                name = re.escape(parts[size])
                found = rf"^(?:async )?(?:def|class) {name}\b|^{name}\b.*=|\b{name}\b,?$"
                return bool(re.search(found, files[0].read_text(encoding="utf-8"), re.MULTILINE))
    return False


def missing(text: str) -> Iterator[tuple[int, str]]:
    """(line, name) of what a text's docstrings and comments name and is not there."""
    for line, words in prose(text):
        for found in PATH.finditer(words):
            if not is_path(found[0]):
                yield line, found[0]
        for found in DOTTED.finditer(words):
            if not is_module_or_name_in_one(found[1]):
                yield line, found[1]


def test_every_module_that_is_named_exists() -> None:
    faults = [
        f"{name}:{line}: {named}"
        for name in sources()
        for line, named in missing((ROOT / name).read_text(encoding="utf-8"))
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("named", ["`rules.nothing.at_all`", "services/nothing", "vouchers/no.py"])
def test_a_module_that_does_not_exist_is_found(named: str) -> None:
    assert list(missing(f'"""As {named} does."""\n'))
    assert list(missing(f"# As {named} does.\n"))


@pytest.mark.parametrize("named", ["`vouchers.money`", "vouchers/models", "rules/*", "money.py"])
def test_existing_modules_are_not_reported(named: str) -> None:
    assert not list(missing(f'"""As {named} does."""\n'))
