"""The Celery application: `celery -A config.celery worker` and `… beat`.

Importing it connects to nothing; a worker or beat first makes sure of the embedded servers.
"""

import os
from typing import Any

from celery import Celery, signals
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("huimin")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["vouchers"])
app.steps["worker"].add(DjangoStructLogInitStep)
# Sweeps find in the tables what no message told of. A sweep that nobody has taken by the time of
# the next one is dropped.
app.conf.beat_schedule = {
    name: {
        "task": f"vouchers.tasks.{name}",
        "schedule": every_s,
        "options": {"expires": every_s},
    }
    for name, every_s in {
        "sweep_runs": 5.0,
        "turn_campaigns": 5.0,
        "expire_vouchers": 30.0,
        "open_months": 6 * 3600.0,
    }.items()
}


@signals.celeryd_init.connect
@signals.beat_init.connect
def have_servers(**_: Any) -> None:
    """Start or adopt the embedded servers before the first connection."""
    # The package imports this module, and `python -m config.embedded` must not find itself there.
    from config import embedded

    embedded.ensure()
