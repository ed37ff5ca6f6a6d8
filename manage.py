#!/usr/bin/env python
"""Django's command line for Huimin."""

import os
import signal
import sys

import structlog
from django.core.management import execute_from_command_line

from config import embedded

WITHOUT_SERVERS = frozenset(
    {"check", "collectstatic", "compilemessages", "help", "makemessages", "spectacular", "version"}
)


def needs_servers(arguments: list[str]) -> bool:
    """Whether a command line asks for the database; a question about options doesn't."""
    if not arguments or {"-h", "--help", "--version"} & set(arguments):
        return False
    return "--database" in arguments or arguments[0] not in WITHOUT_SERVERS


def main() -> None:
    """Run one command, with the embedded servers behind it where it needs them."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # Logs name the command, and so does the history of what it changes.
    structlog.contextvars.bind_contextvars(command=" ".join(sys.argv[1:2]))
    # A terminated command ends like one that returns: the last to leave stops the servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        if needs_servers(sys.argv[1:]):
            embedded.ensure()
    except embedded.EmbeddedServerError as error:
        sys.exit(str(error))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
