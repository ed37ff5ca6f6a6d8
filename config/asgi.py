"""The ASGI entry point: the express lane and the live stream in front, Django behind them."""

import gc
import os

from django.core.asgi import get_asgi_application
from django.db import connections

from config import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
embedded.ensure()
django = get_asgi_application()

# Django works on each of its requests in a thread of its own, so a connection that it kept open
# would never be used again. The lanes keep theirs.
for alias in connections:
    connections.settings[alias]["CONN_MAX_AGE"] = 0

from vouchers.express import Express  # noqa: E402  (models load once Django is set up)
from vouchers.pages.live.stream import Live  # noqa: E402

application = Express(Live(django))

# Everything loaded by now stays for good, and requests leave few cycles behind: the collector need
# neither look at the one nor come often for the other.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 50)
