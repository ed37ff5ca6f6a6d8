"""Configuration of the installation: settings, servers, processes.

The Celery application is made here, so that every process, of whatever kind, sends its tasks to the
configured broker.
"""

import gc

from config.celery import app as celery_app

__all__ = ["celery_app"]

# What is loaded at the start stays for good, and requests and tasks leave few cycles behind: the
# collector need not come often. It took an eighth of the start of a process.
gc.set_threshold(50_000, 20, 50)
