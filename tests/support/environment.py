"""The environment in which another process (worker, web server) works on the database in use."""

import os
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import connections


def environment() -> dict[str, str]:
    """An installation on foreign servers with every secret given, as in production, but HTTP."""
    return {
        **os.environ,
        "DATABASE_URL": _url("default"),
        "DATABASE_OWNER_URL": _url("owner"),
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": settings.SECRET_KEY,
        "HUIMIN_CODE_KEY": settings.HUIMIN_CODE_SECRET.hex(),
        "HUIMIN_PII_KEY": settings.HUIMIN_PII_KEY.hex(),
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "SECURE_SSL_REDIRECT": "0",
        "SESSION_COOKIE_SECURE": "0",
        "DEBUG": "0",
    }


def _url(alias: str) -> str:
    given = connections.settings[alias]
    user = ":".join(quote(part, safe="") for part in (given["USER"], given.get("PASSWORD")) if part)
    query = {k: v for k, v in given["OPTIONS"].items() if k.startswith("ssl")}
    query |= {"host": given["HOST"], "port": given["PORT"]}
    return f"postgresql://{user}@/{given['NAME']}?{urlencode(query)}"
