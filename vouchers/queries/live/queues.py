"""What waits for workers, and whether any are there."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import Count, Min, Q

from vouchers.models import Outbox, Run, Shard
from vouchers.states import RunState, ShardState

LATE_SHARD: Final = timedelta(seconds=60)
"""After its lease has run out; every sweep gives such a shard to another worker."""
WORKER: Final = "huimin worker"
TASK: Final = "huimin task"
"""What the connections that workers and their tasks hold are named (`config/celery`). They are seen
without Valkey, too."""
COUNT_WORKERS: Final = """
    SELECT count(*) FILTER (WHERE application_name = %s),
           count(*) FILTER (WHERE application_name = %s)
      FROM pg_stat_activity
     WHERE datname = current_database()
    """


@dataclass(frozen=True, slots=True)
class Queues:
    """What waits for workers, and since when; and how many of them are there, with how many tasks
    at work in the database."""

    runs_waiting: int = 0
    shards_waiting: int = 0
    shards_late: int = 0
    messages_waiting: int = 0
    oldest_message_at: datetime | None = None
    workers: int = 0
    tasks: int = 0

    @property
    def is_abandoned(self) -> bool:
        """Whether work waits and nothing is there that could take it."""
        return not self.workers and bool(self.runs_waiting or self.shards_waiting)


def queues(at: datetime) -> Queues:
    """Runs, shards and messages that wait at an instant; workers as of now."""
    shards = Shard.objects.filter(run__state=RunState.RESERVED, run__paused_at=None).aggregate(
        waiting=Count("id", filter=Q(state=ShardState.WAITING)),
        late=Count("id", filter=Q(state=ShardState.LEASED, lease_until_at__lt=at - LATE_SHARD)),
    )
    messages = Outbox.objects.filter(sent_at=None, given_up_at=None).aggregate(
        count=Count("id"), oldest=Min("created_at")
    )
    waiting = Run.objects.filter(state__in=[RunState.QUEUED, RunState.TARGETED], paused_at=None)
    with connection.cursor() as cursor:
        cursor.execute(COUNT_WORKERS, [WORKER, TASK])
        workers, tasks = cursor.fetchone()
    return Queues(
        runs_waiting=waiting.count(),
        shards_waiting=shards["waiting"],
        shards_late=shards["late"],
        messages_waiting=messages["count"],
        oldest_message_at=messages["oldest"],
        workers=workers,
        tasks=tasks,
    )
