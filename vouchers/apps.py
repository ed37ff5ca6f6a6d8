"""The application: names of foreign keys, and after a migration the roles' permissions."""

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db.backends.signals import connection_created
from django.db.models import ForeignKey
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from vouchers.sql.history import keep_author


class VouchersConfig(AppConfig):
    """Campaigns, money, vouchers."""

    name = "vouchers"
    verbose_name = _("consumption vouchers")

    def ready(self) -> None:
        self._name_foreign_keys()
        register(_second_factor_roles, Tags.security)
        connection_created.connect(keep_author)
        post_migrate.connect(_never_ignore_triggers, sender=self)
        post_migrate.connect(_sync_roles, sender=self)

    def _name_foreign_keys(self) -> None:
        """A foreign key without a name of its own is called what it points at."""
        for model in self.get_models():
            for field in model._meta.local_fields:
                if isinstance(field, ForeignKey) and type(field.verbose_name) is str:
                    field.verbose_name = field.related_model._meta.verbose_name or field.name


def _never_ignore_triggers(using: str, **_kwargs: Any) -> None:
    from vouchers.sql.triggers import never_ignored  # models load after apps

    never_ignored(using=using)


def _sync_roles(using: str, **_kwargs: Any) -> None:
    from vouchers.services.roles import sync_roles  # models load after apps

    sync_roles(using=using)


def _second_factor_roles(**_kwargs: Any) -> list[CheckMessage]:
    """A role that is misspelt would sign in without the second factor it was meant to have."""
    from vouchers.services.roles import ROLES  # models load after apps
    from vouchers.services.second_factor import SUPERUSER

    unknown = settings.HUIMIN_SECOND_FACTOR_ROLES - {*ROLES, SUPERUSER}
    return [
        Error(
            f"HUIMIN_SECOND_FACTOR_ROLES names {name!r}, which is not a role.",
            hint=f"Roles are {', '.join((*ROLES, SUPERUSER))}, and none for no role.",
            id="huimin.E001",
        )
        for name in sorted(unknown)
    ]
