"""The ASGI entry point: the express lane in front, Django behind it."""

import os

from django.core.asgi import get_asgi_application

from config import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
embedded.ensure()
django = get_asgi_application()

from vouchers.express import Express  # noqa: E402  (models load once Django is set up)

application = Express(django)
