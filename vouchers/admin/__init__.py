"""The admin: it shows, services act. One module per concept."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from vouchers.admin import (
    audit,
    campaigns,
    distribution,
    fraud,
    money,
    people,
    proposals,
    refunds,
    residents,
)

__all__ = [
    "audit",
    "campaigns",
    "distribution",
    "fraud",
    "money",
    "people",
    "proposals",
    "refunds",
    "residents",
]

admin.site.index_template = "vouchers/dashboard.html"
admin.site.index_title = _("Overview")
