"""Proof: audit reports, seals, and messages on their way out."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from vouchers.admin.base import ReadOnlyAdmin, short_hash
from vouchers.models import AuditReport, Outbox, Seal


@admin.register(AuditReport)
class AuditReportAdmin(ReadOnlyAdmin):
    """What each run of the audit found."""

    list_display = ["started_at", "is_proven", "took_s"]
    list_filter = ["is_proven"]
    date_hierarchy = "started_at"
    fields = ["started_at", "took_s", "is_proven", "report"]


@admin.register(Seal)
class SealAdmin(ReadOnlyAdmin):
    """The chain over the journal."""

    list_display = ["number", "sealed_at", "transfer_count", "hash", "previous"]
    fields = ["number", "from_xid", "until_xid", "transfer_count", "sealed_at", "hash", "previous"]
    readonly_fields = ["hash", "previous"]

    @display(description=_("SHA-256"))
    def hash(self, seal: Seal) -> str:
        return format_html("<code>{}</code>", short_hash(seal.sha256))

    @display(description=_("previous"))
    def previous(self, seal: Seal) -> str:
        return format_html("<code>{}</code>", short_hash(seal.previous_sha256))


@admin.register(Outbox)
class OutboxAdmin(ReadOnlyAdmin):
    """Messages committed with what they tell."""

    list_display = ["id", "topic", "created_at", "sent_at"]
    list_filter = ["topic", ("sent_at", admin.EmptyFieldListFilter)]
