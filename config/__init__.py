"""How the parts are put together: settings, servers, processes.

The Celery application is made here, so that whoever sends a task, from any kind of process, sends
it to the configured broker.
"""

from config.celery import app as celery_app

__all__ = ["celery_app"]
