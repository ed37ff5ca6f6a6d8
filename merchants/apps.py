"""The application's name for people."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MerchantsConfig(AppConfig):
    """Who may take vouchers, and where."""

    name = "merchants"
    verbose_name = _("merchants")
