"""What waits for workers, and whether any are there."""

import os
from dataclasses import replace

import pytest
from django.db import connection

from config.celery import be_named
from tests.support.cast import NOON
from vouchers.queries.live.board import board
from vouchers.queries.live.queues import Queues, queues

pytestmark = pytest.mark.django_db


def test_tasks_are_counted_by_the_name_of_their_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGAPPNAME", "")
    be_named()
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('application_name', %s, true)", [os.environ["PGAPPNAME"]])
    assert queues(NOON).tasks == 1


@pytest.mark.parametrize("waits", [Queues(runs_waiting=1), Queues(shards_waiting=1)])
def test_work_that_waits_for_no_worker_is_an_emergency(waits: Queues) -> None:
    shown = replace(board(at=NOON), queues=waits)
    assert shown.troubles == ["workers"]
    assert replace(shown, queues=replace(waits, workers=1)).troubles == []


def test_an_idle_installation_without_workers_is_none() -> None:
    assert queues(NOON) == Queues()
    assert board(at=NOON).troubles == []
