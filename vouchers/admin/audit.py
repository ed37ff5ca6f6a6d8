"""Proof: audit reports, seals, and messages on their way out."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from vouchers.admin.base import ReadOnlyAdmin, in_lines, short_hash
from vouchers.models import AuditReport, Outbox, RoleChange, Seal


@admin.register(AuditReport)
class AuditReportAdmin(ReadOnlyAdmin):
    """What each run of the audit found."""

    list_display = ["started_at", "is_proven", "took_s"]
    list_filter = ["is_proven"]
    date_hierarchy = "started_at"
    fields = ["started_at", "took", "is_proven", "findings"]
    readonly_fields = ["took", "findings"]

    @display(description=_("took, seconds"))
    def took(self, report: AuditReport) -> str:
        return f"{report.took_s:.1f}"

    @display(description=_("checks"))
    def findings(self, report: AuditReport) -> str:
        """One line per check; broken rows, where there are any, in full."""
        return in_lines(
            gettext("%(mark)s invariant %(number)s: %(says)s")
            % {
                "mark": "✗" if finding["broken_count"] else "✓",
                "number": finding["invariant"],
                "says": gettext(finding["says"]),
            }
            + (f" — {finding['broken_count']:,}: {finding['rows']}" if finding["rows"] else "")
            for finding in report.report.get("findings", [])
        )


@admin.register(Seal)
class SealAdmin(ReadOnlyAdmin):
    """The chain over the journal."""

    list_display = ["number", "campaign", "sealed_at", "transfer_count", "hash", "previous"]
    list_filter = ["campaign"]
    fields = [
        "campaign",
        "number",
        "from_xid",
        "until_xid",
        "transfer_count",
        "sealed_at",
        "hash",
        "previous",
    ]
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

    list_display = ["id", "topic", "created_at", "sent_at", "tries", "last_error"]
    list_filter = ["topic", ("sent_at", admin.EmptyFieldListFilter)]


@admin.register(RoleChange)
class RoleChangeAdmin(ReadOnlyAdmin):
    """Who got or lost which role, noted by the database itself."""

    list_display = ["at", "username", "role", "is_granted", "database_role"]
    list_filter = ["role", "is_granted"]
    search_fields = ["username"]
    date_hierarchy = "at"
