"""The page of a second person's decision: the frozen terms, to be approved or rejected as shown."""

from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from vouchers.admin.base import act
from vouchers.admin.campaigns.amendment_words import amendment_lines
from vouchers.admin.campaigns.inbox import signed_text
from vouchers.admin.campaigns.setup.review import terms_context
from vouchers.admin.forms import ReviewForm
from vouchers.models import Campaign, TermsVersion
from vouchers.queries.campaigns.inbox import terms_waiting
from vouchers.services.campaigns import amendments, lifecycle
from vouchers.services.roles import area_of


def _answers(version: TermsVersion) -> dict[str, tuple[Any, Any]]:
    """By button: the service and the message shown afterwards. Amendments exist only after the
    launch."""
    if version.amends_id:
        return {
            "approve": (amendments.approve_amendment, _("Approved; in force from now.")),
            "reject": (amendments.reject_amendment, _("Rejected; the terms in force stay.")),
        }
    return {
        "approve": (lifecycle.approve, _("Approved.")),
        "reject": (lifecycle.reject, _("Rejected; the campaign is a draft again.")),
    }


def _waits_for(user: Any, version: TermsVersion) -> bool:
    """Whether the version is undecided and the person may still decide on it."""
    is_theirs = user.pk in {*version.edited_by, *lifecycle.signers_of(version)}
    is_open = terms_waiting().filter(pk=version.pk).exists()
    return user.has_perm(lifecycle.DECIDE) and is_open and not is_theirs


def review_terms(site: AdminSite, request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """GET shows the newest version with its hash; POST decides on the hash that was shown."""
    user: Any = request.user
    if not area_of(user, "vouchers.view_campaign", at=timezone.now()).is_city:
        raise PermissionDenied
    version = campaign.versions.order_by("-number").first()
    if version is None:
        return redirect("admin:vouchers_campaign_change", campaign.pk)
    form = ReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        service, message = _answers(version)[given["decision"]]
        is_last = len(lifecycle.signers_of(version)) + 1 >= version.signatures_needed
        if given["decision"] == "approve" and not is_last:
            message = _("Approved; others have to approve too.")
        act(
            request,
            service,
            message,
            terms=version,
            by=request.user,
            seen_sha256=bytes.fromhex(given["seen_sha256"]),
            comment=given["comment"],
            at=timezone.now(),
        )
        return redirect("admin:vouchers_campaign_change", campaign.pk)
    sha256 = bytes(version.sha256).hex()
    context: dict[str, Any] = {
        **site.each_context(request),
        **terms_context(version.document),
        "title": _("Terms to decide on"),
        "opts": Campaign._meta,
        "campaign": campaign,
        "version": version,
        "sha256": sha256,
        "form": ReviewForm(initial={"seen_sha256": sha256}) if not form.is_bound else form,
        "approvals": version.approvals.select_related("approver").order_by("id"),
        "signed": signed_text(len(lifecycle.signers_of(version)), version.signatures_needed),
        "may_decide": _waits_for(user, version),
        "lines": amendment_lines(version),
    }
    return TemplateResponse(request, "vouchers/review.html", context)
