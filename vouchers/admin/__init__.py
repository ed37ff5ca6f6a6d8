"""The admin: it shows, services act. One folder or module per capability."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from vouchers.admin import changes, issuing, proofs, users, webhooks
from vouchers.admin.campaigns import campaigns, merchants, proposals, tiers
from vouchers.admin.ledger import money
from vouchers.admin.limits import back_tests, cases, signals
from vouchers.admin.redemption import codes, refunds
from vouchers.admin.residents import residents

__all__ = [
    "back_tests",
    "campaigns",
    "cases",
    "changes",
    "codes",
    "issuing",
    "merchants",
    "money",
    "proofs",
    "proposals",
    "refunds",
    "residents",
    "signals",
    "tiers",
    "users",
    "webhooks",
]

admin.site.index_template = "vouchers/dashboard.html"
admin.site.index_title = _("Overview")
