"""Nothing without a door: every public service is reached from an edge, or waits for a named one.

The lists of what waits only get shorter, and no document names a call that is not there yet.
"""

import re
from collections.abc import Mapping

import pytest
from drf_spectacular.generators import SchemaGenerator

from tests.support.callgraph import ROOT, Name, Source

SERVICES = ("merchants/services", "vouchers/services")
EDGES = (
    "merchants/admin",
    "merchants/auth.py",
    "vouchers/admin",
    "vouchers/api",
    "vouchers/apps.py",
    "vouchers/express",
    "vouchers/management",
    "vouchers/pages",
    "vouchers/tasks.py",
)
# Services whose door is a call of the API that is not built yet.
WAITING: Mapping[str, str] = {}
DOCUMENTS = sorted(
    [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")], key=str
)


@pytest.fixture(scope="module")
def services() -> Source:
    return Source(*SERVICES)


@pytest.fixture(scope="module")
def without_door(services: Source) -> set[Name]:
    """Public services that no edge reaches."""
    return services.functions() - services.reached_from(services.used_by(Source(*EDGES)))


def test_what_no_edge_reaches_waits_for_a_named_door(
    services: Source, without_door: set[Name]
) -> None:
    waiting = {item for item in without_door if item[1] in WAITING}
    called_by_waiting = services.reached_from(waiting)
    assert without_door - called_by_waiting == set()


def test_what_waits_has_no_door_yet(without_door: set[Name]) -> None:
    found = {name for _, name in without_door}
    assert WAITING.keys() - found == set()


@pytest.mark.parametrize("call", sorted(set(WAITING.values())))
def test_no_document_names_a_call_that_is_not_there(call: str) -> None:
    _verb, address = call.split()
    pattern = re.compile(re.sub(r"\\\{\w+\\\}", r"[^/\\s`]+", re.escape(address)) + r"(?![\w/])")
    naming = [path.name for path in DOCUMENTS if pattern.search(path.read_text(encoding="utf-8"))]
    assert naming == []


def test_the_api_describes_none_of_them() -> None:
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    paths = generator.get_schema(public=True)["paths"]  # type: ignore[no-untyped-call]
    described = {
        f"{verb.upper()} {re.sub(r'{[^}]*}', '{}', path.removeprefix('/api/v1'))}"
        for path, verbs in paths.items()
        for verb in verbs
    }
    assert "POST /redemptions" in described
    assert described & {re.sub(r"{[^}]*}", "{}", call) for call in WAITING.values()} == set()
