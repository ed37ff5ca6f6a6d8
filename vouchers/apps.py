"""The application: after a migration the roles have their permissions."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class VouchersConfig(AppConfig):
    """Campaigns, money, vouchers."""

    name = "vouchers"
    verbose_name = _("vouchers")

    def ready(self) -> None:
        post_migrate.connect(_sync_roles, sender=self)


def _sync_roles(using: str, **_kwargs: Any) -> None:
    from vouchers.services.roles import sync_roles  # models load after apps

    sync_roles(using=using)
