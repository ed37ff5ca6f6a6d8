"""What is read before the launch: the launch list, and what differs between versions of terms."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from vouchers.admin.base import act
from vouchers.admin.campaigns.drafts import is_draft
from vouchers.admin.campaigns.setup.page import panel_context
from vouchers.admin.campaigns.setup.sections import SECTIONS
from vouchers.admin.campaigns.setup.sentences import in_short, sentences
from vouchers.admin.campaigns.terms import terms_tables
from vouchers.admin.words import in_words, label, model_of
from vouchers.models import Campaign
from vouchers.queries.campaigns.terms import document_of
from vouchers.rules.campaigns.differences import Changed, ChangedPart, ChangedRow, differences
from vouchers.rules.campaigns.terms import terms_sha256
from vouchers.services.campaigns import lifecycle
from vouchers.services.campaigns.terms import EDIT
from vouchers.states import CampaignState

NOW = "now"
"""In place of a version's number: the terms as they stand."""


def terms_context(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the launch list and the review show of a document."""
    said = sentences(document)
    return {
        "sha256": terms_sha256(document).hex(),
        "short": in_short(document),
        "said": [(section.title, said[section.key]) for section in SECTIONS],
        "tables": terms_tables(document),
    }


def launch_list(page: Any, request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """What blocks, what is worth a look, and the terms as sentences; POST submits or launches."""
    _check_view(request)
    with timezone.override(ZoneInfo(campaign.zone)):
        if request.method == "POST":
            _acted(request, campaign)
            return redirect(request.path)
        context: dict[str, Any] = {
            **page.admin_site.each_context(request),
            "title": _("Launch list"),
            "opts": Campaign._meta,
            "campaign": campaign,
            "is_draft": is_draft(campaign),
            "may_edit": is_draft(campaign) and request.user.has_perm(EDIT),
            **panel_context(request.user, campaign),
            **terms_context(document_of(campaign)),
        }
        context["next"] = _next(request, campaign, is_ready=context["panel"].is_ready)
        return TemplateResponse(request, "vouchers/setup/launch_list.html", context).render()


ACTS = {
    "submit": (CampaignState.DRAFT, lifecycle.submit, gettext_lazy("Submitted for approval.")),
    "launch": (CampaignState.APPROVED, lifecycle.launch, gettext_lazy("Launched.")),
}
"""By button: the state in which it is offered, its service and what is said afterwards."""


def _acted(request: HttpRequest, campaign: Campaign) -> None:
    """One call of the service that was asked for; it may refuse."""
    known = ACTS.get(request.POST.get("act", ""))
    if known is None or not request.user.has_perm(EDIT):
        raise PermissionDenied
    _state, service, message = known
    act(request, service, message, campaign=campaign, by=request.user, at=timezone.now())


def _next(request: HttpRequest, campaign: Campaign, *, is_ready: bool) -> dict[str, Any] | None:
    """What comes next in the campaign's state, and the button for those who may."""
    may_edit = request.user.has_perm(EDIT)
    state = CampaignState(campaign.state)
    if state is CampaignState.DRAFT:
        if not is_ready:
            return {"text": _("It can be submitted when nothing stands in the way any more.")}
        text = _("The terms are frozen. Another person, who has not edited them, decides.")
        return {"text": text, "act": "submit" if may_edit else "", "label": _("Submit")}
    if state is CampaignState.SUBMITTED:
        link = reverse("admin:vouchers_campaign_review", args=[campaign.pk])
        text = _("It waits for an approver, who reads exactly these terms.")
        return {"text": text, "link": link, "label": _("Read the frozen terms")}
    if state is CampaignState.APPROVED:
        text = _("Vouchers can be distributed and redeemed from its start.")
        return {
            "text": text,
            "act": "launch" if may_edit and is_ready else "",
            "label": _("Launch"),
        }
    return None


def changes_page(page: Any, request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """What differs between two versions, the newest two unless others are named."""
    _check_view(request)
    with timezone.override(ZoneInfo(campaign.zone)):
        documents = {
            str(version.number): version.document
            for version in campaign.versions.order_by("number")
        }
        if is_draft(campaign) or not documents:
            documents[NOW] = document_of(campaign)
        names = list(documents)
        before = _named(request, "before", names, names[max(0, len(names) - 2)])
        after = _named(request, "after", names, names[-1])
        found = differences(documents[before], documents[after])
        zone = ZoneInfo(campaign.zone)
        context: dict[str, Any] = {
            **page.admin_site.each_context(request),
            "title": _("Changes of the terms"),
            "opts": Campaign._meta,
            "campaign": campaign,
            "names": [(name, _("as they stand") if name == NOW else f"v{name}") for name in names],
            "before": before,
            "after": after,
            "options": [_option_row(changed, zone) for changed in found.options],
            "parts": [_part_table(part, zone) for part in found.parts],
        }
        return TemplateResponse(request, "vouchers/setup/changes.html", context).render()


def _check_view(request: HttpRequest) -> None:
    if not request.user.has_perm("vouchers.view_campaign"):
        raise PermissionDenied


def _named(request: HttpRequest, which: str, names: list[str], usual: str) -> str:
    """The version asked for, or the usual one for a name that no version has."""
    asked = request.GET.get(which, "")
    return asked if asked in names else usual


def _option_row(changed: Changed, zone: ZoneInfo) -> list[str]:
    option = changed.option
    return [
        str(capfirst(label(option))),
        in_words(option, _or_empty(option, changed.before), zone),
        in_words(option, _or_empty(option, changed.after), zone),
    ]


def _or_empty(option: Any, value: Any) -> Any:
    """An audience filter of an older document may be missing: no condition."""
    return {} if value is None and option.name == "audience_filter" else value


def _part_table(part: ChangedPart, zone: ZoneInfo) -> dict[str, Any]:
    model = model_of(part.part)

    def named(row: Any) -> str:
        options = [option for option in part.part.options if option.name in part.part.identity]
        words = (in_words(option, row.get(option.name), zone, model) for option in options)
        return " · ".join(word for word in words if word != "–")

    def line(row: ChangedRow) -> list[str]:
        if row.before is None:
            return [named(row.after), "–", _("new")]
        if row.after is None:
            return [named(row.before), _("was there"), _("gone")]
        texts = [
            (
                capfirst(str(label(one.option, model))),
                in_words(one.option, one.before, zone, model),
                in_words(one.option, one.after, zone, model),
            )
            for one in row.changed
        ]
        return [
            named(row.before),
            "; ".join(f"{name} {before}" for name, before, _after in texts),
            "; ".join(f"{name} {after}" for name, _before, after in texts),
        ]

    return {
        "title": capfirst(str(model._meta.verbose_name_plural)),
        "headers": [_("which"), _("before"), _("after")],
        "rows": [line(row) for row in part.rows],
    }
