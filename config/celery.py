"""The Celery application: `celery -A config.celery worker` and `… beat`.

Importing it connects to nothing; a worker or beat first makes sure of the embedded servers.
"""

import os
from typing import Any

import structlog
from celery import Celery, signals
from celery.schedules import crontab
from django.dispatch import receiver
from django_structlog.celery.signals import bind_extra_task_metadata
from django_structlog.celery.steps import DjangoStructLogInitStep

from config import presence

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("huimin")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["vouchers"])
app.steps["worker"].add(DjangoStructLogInitStep)
# Sweeps find, in the tables, work that lost its message. A sweep that no worker has taken by the
# time of the next one is dropped. Hours are those of the installation's zone.
HOUR_S = 3600
SWEEPS_S = {
    "sweep_runs": 5,
    "start_and_end_campaigns": 5,
    "lift_stops": 5,
    "expire_vouchers": 30,
    "lapse_authorisations": 30,
    "gather_cases": 20,
    "run_back_tests": 10,
    "open_rounds": 60,
    "drop_rounds": 5,
    "send_messages": 5,
    "refresh_snapshot": 300,
    "seal_journals": 600,
    "open_months": 6 * HOUR_S,
}
DAILY = {
    "anchor_journals": crontab(hour=0, minute=30),
    "coarsen_points": crontab(hour=2, minute=30),
    "forget_codes": crontab(hour=2, minute=45),
    "audit_books": crontab(hour=3, minute=30),
    "archive_requests": crontab(hour=4, minute=30),
}
app.conf.beat_schedule = {
    name: {
        "task": f"vouchers.tasks.{name}",
        "schedule": schedule,
        "options": {"expires": HOUR_S if name in DAILY else schedule},
    }
    for name, schedule in {**SWEEPS_S, **DAILY}.items()
}


@signals.celeryd_init.connect
def be_named(**_: Any) -> None:
    """By this name the live screen counts the tasks that are at work in the database."""
    os.environ["PGAPPNAME"] = "huimin task"


@signals.worker_ready.connect
def be_present(**_: Any) -> None:
    """And by another the workers, busy or not."""
    presence.show()


@signals.celeryd_init.connect
@signals.beat_init.connect
def have_servers(**_: Any) -> None:
    """Start or adopt the embedded servers before the first connection."""
    # The package imports this module, and `python -m config.embedded` must not find itself there.
    from config import embedded

    embedded.ensure()


@receiver(bind_extra_task_metadata)
def name_task(task: Any, **_: Any) -> None:
    """Name the task in its log lines, and in the history of what it changes."""
    structlog.contextvars.bind_contextvars(task=task.name.removeprefix("vouchers.tasks."))
