"""The ASGI entry point: the express lane and the live stream in front, Django behind them."""

import gc
import os

import django

from config import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
embedded.ensure()
django.setup(set_prefix=False)

from config.handler import ThreadedHandler  # noqa: E402  (models load once Django is set up)
from vouchers.express import Express  # noqa: E402
from vouchers.pages.live.stream import Live  # noqa: E402

application = Express(Live(ThreadedHandler()))

# Everything loaded by now stays for good: the collector need not look at it again.
gc.collect()
gc.freeze()
