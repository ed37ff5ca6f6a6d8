"""The page on which somebody else decides: the frozen terms, and a yes or no to exactly these."""

from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from vouchers.admin.base import act
from vouchers.admin.forms import ReviewForm
from vouchers.admin.terms import terms_tables
from vouchers.models import Campaign
from vouchers.services import campaigns


def review_terms(site: AdminSite, request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """GET shows the newest version with its hash; POST decides on the hash that was shown."""
    if not request.user.has_perm("vouchers.view_campaign"):
        raise PermissionDenied
    version = campaign.versions.order_by("-number").first()
    if version is None:
        return redirect("admin:vouchers_campaign_change", campaign.pk)
    form = ReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        yes = given["decision"] == "approve"
        act(
            request,
            campaigns.approve if yes else campaigns.reject,
            _("Approved.") if yes else _("Rejected; the campaign is a draft again."),
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
        "title": _("Terms to decide on"),
        "opts": Campaign._meta,
        "campaign": campaign,
        "version": version,
        "sha256": sha256,
        "form": ReviewForm(initial={"seen_sha256": sha256}) if not form.is_bound else form,
        "may_decide": request.user.has_perm(campaigns.DECIDE),
        "tables": terms_tables(version.document),
    }
    return TemplateResponse(request, "vouchers/review.html", context)
