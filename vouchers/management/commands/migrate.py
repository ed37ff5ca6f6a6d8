"""`manage.py migrate`, as the role that owns the schema unless another database is named."""

from argparse import ArgumentParser

from django.core.management.commands import migrate


class Command(migrate.Command):
    """Django's command with `owner` as its database: the services' role may not change tables."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")
