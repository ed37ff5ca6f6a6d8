"""Proposals on a launched campaign's money, and the page on which they are decided."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from merchants.admin.labels import labelled
from vouchers.admin import searches
from vouchers.admin.base import act
from vouchers.admin.campaigns.inbox import InboxPage, signed_text
from vouchers.admin.campaigns.proposal_words import lines_to_decide_on, proposal_lines
from vouchers.admin.filters import CAMPAIGN
from vouchers.admin.forms import ReviewForm
from vouchers.models import Proposal, ProposalDecision
from vouchers.services.campaigns import lifecycle, proposals

WAITING = "waiting"


@admin.register(Proposal)
class ProposalAdmin(searches.ExactSearch, InboxPage):
    """Decided proposals are the history of a budget; those that wait have a page to decide on."""

    nothing_yet = _("No proposal yet. Changes of a campaign under way are proposed on its page.")
    list_display = ["row_no", "campaign", "kind", "summary", "why", "proposed_by", "decided"]
    list_filter = ["kind", CAMPAIGN, ("decision", admin.EmptyFieldListFilter)]
    list_select_related = ["campaign", "proposed_by", "decision"]
    searches = [searches.number(), searches.text("request_id")]
    search_help_text = gettext_lazy("Number of a proposal, or its whole request number")

    fields = [
        "campaign",
        "kind",
        "summary",
        "why",
        "proposed_by",
        "proposed_at",
        "decided",
        "request_id",
    ]
    readonly_fields = ["summary", "decided"]
    actions_detail = ["review"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Proposal]:
        rows: QuerySet[Proposal] = super().get_queryset(request)
        return rows.prefetch_related("campaign__sources", "campaign__tiers")

    @display(description=gettext_lazy("what"))
    def summary(self, proposal: Proposal) -> str:
        return "; ".join(": ".join(line) for line in proposal_lines(proposal))

    @labelled(
        gettext_lazy("decision"),
        {WAITING: "warning", "approved": "success", "rejected": "danger"},
    )
    def decided(self, proposal: Proposal) -> tuple[str, Any]:
        decision = decision_on(proposal)
        if decision is None:
            return WAITING, _("waits for approval")
        return decision.decision, decision.get_decision_display()

    @action(description=gettext_lazy("Review"), icon="gavel", variant=ActionVariant.PRIMARY)
    def review(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """GET shows what is proposed with its hash; POST decides on the hash that was shown."""
        proposal = get_object_or_404(Proposal, pk=object_id)
        if not self.has_view_permission(request, proposal):
            raise PermissionDenied
        form = ReviewForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            _decide(request, proposal, form.cleaned_data)
            return redirect("admin:vouchers_proposal_review", proposal.pk)
        sha256 = bytes(proposal.sha256).hex()
        decision = decision_on(proposal)
        may_decide = request.user.has_perm(lifecycle.DECIDE)
        signatures = list(proposal.signatures.select_related("signed_by"))
        has_signed = request.user.pk in {it.signed_by_id for it in signatures}
        context = {
            **self.admin_site.each_context(request),
            "title": proposal.get_kind_display(),
            "opts": self.opts,
            "proposal": proposal,
            "campaign_url": reverse("admin:vouchers_campaign_change", args=[proposal.campaign_id]),
            "lines": lines_to_decide_on(proposal),
            "sha256": sha256,
            "decision": decision,
            "signatures": signatures,
            "signed": signed_text(len(signatures), proposal.signatures_needed),
            "may_decide": decision is None
            and may_decide
            and not has_signed
            and proposal.proposed_by_id != request.user.pk,
            "form": form if form.is_bound else ReviewForm(initial={"seen_sha256": sha256}),
        }
        return TemplateResponse(request, "vouchers/proposal.html", context)


def _decide(request: HttpRequest, proposal: Proposal, given: dict[str, Any]) -> None:
    is_yes = given["decision"] == "approve"
    is_last = proposal.signatures.count() + 1 >= proposal.signatures_needed
    approved = _("Approved and done.") if is_last else _("Approved; others have to approve too.")
    act(
        request,
        proposals.approve_proposal if is_yes else proposals.reject_proposal,
        approved if is_yes else _("Rejected; nothing was changed."),
        proposal=proposal,
        by=request.user,
        seen_sha256=bytes.fromhex(given["seen_sha256"]),
        comment=given["comment"],
        at=timezone.now(),
    )


def decision_on(proposal: Proposal) -> ProposalDecision | None:
    """The decision, or None while it waits for one."""
    return getattr(proposal, "decision", None)
