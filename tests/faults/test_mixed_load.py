"""Everything at once over HTTP, with servers killed in the midst of it: the answers have one order,
and the books are what was answered.

The load is run once; what was recorded of it is then spoilt in one way after the other, and each
time the checker must see it.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.support.mixed_load.checker import INVARIANTS, check
from tests.support.mixed_load.load import Load, run_load
from tests.support.mixed_load.report import report, sentences
from tests.support.mixed_load.scene import open_scene
from tests.support.mixed_load.spoilt import SPOILT
from tests.support.own_servers import connected_to, own_servers

pytestmark = pytest.mark.timeout(300)

SECONDS = 3.0
HANDS, UNITS = 60, 12
MOST_KINDS = 7
"""Of nine; what some seconds of a slow machine are sure to have."""


@pytest.fixture(scope="module")
def load(
    process_environment: dict[str, str],
    cluster: Path,
    django_db_blocker: DjangoDbBlocker,
    seed: int,
) -> Load:
    """What became of some seconds of load on servers of its own."""
    with (
        django_db_blocker.unblock(),
        own_servers(cluster) as servers,
        connected_to(servers.postgres),
    ):
        scene = open_scene(hands=HANDS, units=UNITS)
        return run_load(scene, servers, process_environment, seconds=SECONDS, seed=seed)


def test_what_was_answered_has_one_order_and_is_what_the_books_hold(load: Load) -> None:
    findings = check(load.log, load.books, load.ground)
    said = report(load, findings)
    assert not findings, "\n".join(sentences(said, findings))
    assert len(said["strikes"]) == 3
    assert said["unknown_outcomes_resolved"], "no client noticed: nothing was proved"
    assert len(said["acknowledged_by_kind"]) >= MOST_KINDS, said


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__)
def test_control_the_checker_sees(load: Load, spoil: Callable[[Load], Load]) -> None:
    spoilt = spoil(load)
    found = {finding.invariant for finding in check(spoilt.log, spoilt.books, spoilt.ground)}
    assert SPOILT[spoil] in found


def test_every_invariant_has_a_control() -> None:
    assert set(SPOILT.values()) == set(INVARIANTS)
