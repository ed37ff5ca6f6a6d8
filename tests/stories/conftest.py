"""The service, started once for the stories over HTTP; distribution by a real worker."""

from collections.abc import Callable, Iterator

import pytest
import redis
from django.utils import timezone

from tests.support import cast
from tests.support.celery_worker import eventually, worker
from tests.support.web_server import Server, serving
from vouchers import tasks
from vouchers.models import Campaign, Run
from vouchers.services.issuing import runs
from vouchers.states import RunState


@pytest.fixture(scope="session")
def service(process_environment: dict[str, str]) -> Iterator[Server]:
    """The web server with both doors, as it runs in production."""
    with serving(process_environment) as server:
        yield server


@pytest.fixture
def distributed(
    process_environment: dict[str, str], redis_client: redis.Redis
) -> Iterator[Callable[[Campaign], Run]]:
    """Asks for a run of a campaign and waits until a Celery worker has distributed it."""

    def distribute(campaign: Campaign) -> Run:
        run = runs.request_run(campaign=campaign, seed="s", by=cast.mei(), at=timezone.now())
        tasks.wake(tasks.sweep_runs)
        eventually(lambda: Run.objects.filter(pk=run.pk, state=RunState.DONE).exists())
        run.refresh_from_db()
        return run

    with worker(process_environment):
        yield distribute
