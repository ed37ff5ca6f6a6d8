"""Proof: audit reports, seals, changes of roles."""

from typing import Any

from django.contrib import admin
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from merchants.admin.labels import labelled
from vouchers.admin import searches
from vouchers.admin.base import ReadOnlyAdmin, short_hash
from vouchers.admin.filters import CAMPAIGN
from vouchers.admin.words import ROLES
from vouchers.models import AuditReport, RoleChange, Seal


@admin.register(AuditReport)
class AuditReportAdmin(ReadOnlyAdmin):
    """What each run of the audit found."""

    nothing_yet = _(
        "No audit has run yet. It runs every night; manage.py audit_ledger runs it now."
    )
    list_display = ["started_at", "proven", "took", "checks", "first_broken"]
    list_filter = ["is_proven"]
    fields = ["started_at", "verdict", "took", "sample", "findings"]
    readonly_fields = ["verdict", "took", "sample", "findings"]

    @labelled(_("books proven"), {True: "success", False: "danger"}, ordering="is_proven")
    def proven(self, report: AuditReport) -> tuple[bool, str]:
        return report.is_proven, self.verdict(report)

    @display(description=_("books proven"))
    def verdict(self, report: AuditReport) -> str:
        return gettext("proven") if report.is_proven else gettext("not proven")

    @display(description=_("took, seconds"), ordering="took_s")
    def took(self, report: AuditReport) -> str:
        return f"{report.took_s:.1f}"

    @display(description=_("checks"))
    def checks(self, report: AuditReport) -> int:
        return len(_findings(report))

    @display(description=_("first broken check"), empty_value="–")
    def first_broken(self, report: AuditReport) -> str | None:
        broken = first_broken(report)
        return None if broken is None else f"{broken['invariant']} · {broken['name']}"

    @display(description=_("residents measured again"), empty_value="–")
    def sample(self, report: AuditReport) -> str | None:
        if "seed" not in report.report:
            return None
        return gettext("%(sampled)s, %(unmeasured)s no longer on file (seed %(seed)s)") % {
            name: report.report[name] for name in ("sampled", "unmeasured", "seed")
        }

    @display(description=_("checks"))
    def findings(self, report: AuditReport) -> str:
        """Every check on a line, broken ones first with the first rows that break them."""
        return render_to_string(
            "vouchers/findings.html",
            {
                "report": report,
                "findings": [
                    {
                        **finding,
                        "statement": gettext(finding["statement"]),
                        "table": _table(finding["rows"]),
                    }
                    for finding in sorted(_findings(report), key=_is_clean)
                ],
            },
        )


def first_broken(report: AuditReport) -> dict[str, Any] | None:
    """The finding that a report failed by, as stored; None when the books were proven."""
    return next((finding for finding in _findings(report) if finding["broken_count"]), None)


def _findings(report: AuditReport) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = report.report.get("findings", [])
    return found


def _is_clean(finding: dict[str, Any]) -> bool:
    return not finding["broken_count"]


def _table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    headers = list(dict.fromkeys(name for row in rows for name in row))
    cells = [["–" if row.get(name) is None else row[name] for name in headers] for row in rows]
    return {"headers": headers, "rows": cells}


@admin.register(Seal)
class SealAdmin(ReadOnlyAdmin):
    """The chain over the journal."""

    nothing_yet = _("No seal yet. The worker seals the journal as it grows.")
    list_display = ["number", "campaign", "sealed_at", "transfer_count", "hash", "previous"]
    list_filter = [CAMPAIGN]
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


@admin.register(RoleChange)
class RoleChangeAdmin(searches.ExactSearch, ReadOnlyAdmin):
    """Who got or lost which role, noted by the database itself."""

    nothing_yet = _("No change of a role yet. Every role given or withdrawn appears here.")
    list_display = ["at", "username", "named", "is_granted", "database_role"]
    list_filter = ["role", "is_granted"]
    searches = [searches.text("username")]
    search_help_text = _("The whole user name")

    @display(description=_("role"))
    def named(self, change: RoleChange) -> Any:
        return ROLES.get(change.role, change.role)
