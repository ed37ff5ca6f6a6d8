"""The Celery application: `celery -A config.celery worker` and `… beat`.

Importing it connects to nothing; a worker or beat first makes sure of the embedded servers.
"""

import os
from typing import Any

from celery import Celery, signals
from django_structlog.celery.steps import DjangoStructLogInitStep

from config import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("huimin")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["vouchers"])
app.steps["worker"].add(DjangoStructLogInitStep)


@signals.celeryd_init.connect
@signals.beat_init.connect
def have_servers(**_: Any) -> None:
    """Start or adopt the embedded servers before the first connection."""
    embedded.ensure()
