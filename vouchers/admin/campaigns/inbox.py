"""The inbox: what waits for one's approval, with its age, its money and who else has signed.

It only leads to the pages on which things are decided, as they are seen there with their hash.
"""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from vouchers.admin.base import ReadOnlyAdmin
from vouchers.admin.campaigns.amendment_words import amendment_lines
from vouchers.models import TermsVersion
from vouchers.money import yuan
from vouchers.queries.campaigns.inbox import Waiting, count_for, waiting_for
from vouchers.services.campaigns.lifecycle import DECIDE


class InboxPage(ReadOnlyAdmin):
    """The page beside the list of proposals."""

    def get_urls(self) -> list[URLPattern]:
        """With the page's own address."""
        page = path(
            "inbox/", self.admin_site.admin_view(self.inbox), name="vouchers_proposal_inbox"
        )
        return [page, *super().get_urls()]

    def inbox(self, request: HttpRequest) -> HttpResponse:
        """Everything that the person may decide on, the oldest first."""
        user: Any = request.user
        if not user.has_perm(DECIDE):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": _("Waits for me"),
            "rows": [_row(item) for item in waiting_for(user)],
        }
        return TemplateResponse(request, "vouchers/inbox.html", context)


def badge(request: HttpRequest) -> str:
    """How many things wait, for the side bar; nothing where none do."""
    user: Any = request.user
    count = count_for(user) if user.has_perm(DECIDE) else 0
    return f"{count:,}" if count else ""


def _row(item: Waiting) -> dict[str, Any]:
    subject, lines = item.subject, []
    if isinstance(subject, TermsVersion):
        terms = _("amendment, v%d") if subject.amends_id else _("terms, v%d")
        url = reverse("admin:vouchers_campaign_review", args=[item.campaign.pk])
        named = terms % subject.number
        lines = [
            _("%(what)s: %(change)s") % {"what": what, "change": change}
            for what, change in amendment_lines(subject)
        ]
    else:
        url = reverse("admin:vouchers_proposal_review", args=[subject.pk])
        named = subject.get_kind_display()
    return {
        "url": url,
        "campaign": item.campaign.name,
        "what": named,
        "lines": lines,
        "author": item.author,
        "since_at": item.since_at,
        "age": timesince(item.since_at, timezone.now(), depth=1),
        "amount": yuan(item.amount_fen),
        "signers": ", ".join(item.signers),
        "signed": signed_text(len(item.signers), item.needed),
    }


def signed_text(signed: int, needed: int) -> str:
    """`1 of 2 approvals`."""
    return _("%(signed)s of %(needed)s approvals") % {"signed": signed, "needed": needed}
