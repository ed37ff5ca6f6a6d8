"""Configuration of the installation: settings, servers, processes.

The Celery application is made here, so that every process, of whatever kind, sends its tasks to the
configured broker.
"""

from config.celery import app as celery_app

__all__ = ["celery_app"]
