"""How a worker shows that it runs: one idle connection to PostgreSQL under a name of its own.

Connections of tasks end with them, and a message in Valkey would be lost with it. This one ends
with the worker, however that ends; the live screen counts it (`vouchers/queries/live/queues`).
"""

import threading
import time
from typing import Final

EVERY_S: Final = 5.0
"""How often it is looked whether the connection still stands."""


def show() -> None:
    """Hold the connection in a thread until the process ends."""
    threading.Thread(target=_hold, name="presence", daemon=True).start()


def _hold() -> None:
    from django.db import Error, connections
    from psycopg import Error as DriverError

    from vouchers.queries.live.queues import WORKER

    settings = connections["default"]
    while True:
        try:
            parameters = {**settings.get_connection_params(), "application_name": WORKER}
            with settings.get_new_connection(parameters) as held:
                held.autocommit = True
                while True:
                    held.execute("SELECT 1")
                    time.sleep(EVERY_S)
        except (Error, DriverError):
            time.sleep(EVERY_S)
