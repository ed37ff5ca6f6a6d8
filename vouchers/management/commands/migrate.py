"""`manage.py migrate`, as the role that owns the schema unless another database is named."""

from typing import Any

from django.apps import apps
from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import connections

GRANTED_BY_MIGRATIONS = frozenset({"merchants", "vouchers"})
# Rows of these are evidence: written, and never changed.
ONLY_WRITTEN = frozenset({"django_admin_log"})


class Command(migrate.Command):
    """Django's command with `owner` as its database: the services' role may not change tables.

    What the services may do with the tables of merchants and vouchers is granted by migrations,
    table by table. Those of Django and of other packages come and go with their versions, so they
    are granted here, after every run.
    """

    help = (
        "Django's migrate as the role that owns the schema; then the services' role is granted what"
        " it may do with the tables of other packages."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if options["database"] == "owner" and not (options["plan"] or options["check_unapplied"]):
            _grant_framework_tables()


def _grant_framework_tables() -> None:
    """Let the services' role use the tables of every other package: sessions, users, the log."""
    owner, services = connections["owner"], connections["default"].settings_dict["USER"]
    if owner.settings_dict["USER"] == services:
        return
    quote = owner.ops.quote_name
    with owner.cursor() as cursor:
        existing = set(owner.introspection.table_names(cursor))
        wanted = {
            model._meta.db_table
            for model in apps.get_models(include_auto_created=True)
            if model._meta.app_label not in GRANTED_BY_MIGRATIONS and model._meta.managed
        }
        for table in sorted(wanted & existing):
            columns = owner.introspection.get_sequences(cursor, table)
            acts = "SELECT, INSERT" if table in ONLY_WRITTEN else "SELECT, INSERT, UPDATE, DELETE"
            cursor.execute(f"GRANT {acts} ON {quote(table)} TO {quote(services)}")
            for column in columns:
                cursor.execute(
                    f"GRANT USAGE ON SEQUENCE {quote(column['name'])} TO {quote(services)}"
                )
        if "django_migrations" in existing:
            cursor.execute(f"GRANT SELECT ON django_migrations TO {quote(services)}")
