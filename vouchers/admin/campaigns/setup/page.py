"""The set-up page: every section is a form of its own, and each save one call of a service.

What is refused is shown with what was typed, also when another person has edited the draft since:
the section then carries the newest edit, so that saving it again is a decision and no accident.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from merchants.errors import Refusal, Refused
from vouchers.admin.campaigns.drafts import is_draft
from vouchers.admin.campaigns.reach import reach_context
from vouchers.admin.campaigns.setup.edits import Told, told
from vouchers.admin.campaigns.setup.panel import panel_of
from vouchers.admin.campaigns.setup.sections import (
    BY_KEY,
    LEAVE,
    SECTIONS,
    SetupSection,
    Shown,
    Signature,
    number_sent,
)
from vouchers.admin.campaigns.setup.sentences import in_short, sentences
from vouchers.admin.faults import FIELDS_OF_RULES, sentence
from vouchers.admin.rule_words import rule_text
from vouchers.admin.words import NOTHING
from vouchers.models import Campaign, CampaignEdit
from vouchers.queries.campaigns.inbox import came_back
from vouchers.queries.campaigns.terms import document_of
from vouchers.services.campaigns import risk_rules, setting_up
from vouchers.services.campaigns.drafts import newest_edit
from vouchers.services.campaigns.setting_up import Fit
from vouchers.services.campaigns.terms import EDIT

SEEN: Final = "seen_edit"
FIT: Final = "fit"
EDITED: Final = "edited_since"
"""The rule of a refusal because another person has edited the draft."""


@dataclass(frozen=True)
class Problem:
    """Why something was not saved, and the id of the field it is about."""

    text: str
    target: str = ""


@dataclass(frozen=True)
class Sent:
    """A section that was sent and not saved: its forms as they were typed, and why.

    `unlike`: where another person was faster, each field that is not as it is kept now: its name,
    what is kept and what was typed.
    """

    shown: Shown
    problems: Sequence[Problem] = ()
    is_overtaken: bool = False
    unlike: Sequence[tuple[str, str, str]] = ()


def setup_page(page: Any, request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """GET shows the sections and the panel; POST saves the one that it names."""
    if not request.user.has_perm("vouchers.view_campaign"):
        raise PermissionDenied
    with timezone.override(ZoneInfo(campaign.zone)):
        if not is_draft(campaign):
            return _not_a_draft(request, campaign)
        if not request.user.has_perm(EDIT):
            raise PermissionDenied
        if request.method != "POST":
            return _rendered(page, request, campaign, None)
        section = BY_KEY.get(request.POST.get("section", ""))
        sent = _saved(page, request, campaign, section) if section else _fitted(request, campaign)
        if sent is not None:
            return _rendered(page, request, campaign, sent)
        return HttpResponseRedirect(f"{request.path}#{section.key if section else 'money'}")


def _not_a_draft(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """A campaign that has left the draft is looked at elsewhere; nothing sent to it is saved."""
    if request.method == "POST":
        facts = {"state": campaign.state}
        refusal = Refusal("campaign_state", "only_in_draft", facts)
        messages.error(request, sentence(refusal, get_language() or "en"))
    return redirect("admin:vouchers_campaign_launch_list", campaign.pk)


def _signature(request: HttpRequest) -> Signature:
    user: Any = request.user
    return Signature(number_sent(request.POST.get(SEEN, "")), user, timezone.now())


def _saved(
    page: Any, request: HttpRequest, campaign: Campaign, section: SetupSection
) -> Sent | None:
    """None when the section was saved, else what was typed and why it was not."""
    signed = _signature(request)
    # Validating a model's form writes into its row; the page shows the draft as it is kept.
    shown = section.build(page, request, Campaign.objects.get(pk=campaign.pk), request.POST)
    if signed.seen_edit < newest_edit(campaign):
        return _overtaken(shown)
    if not shown.is_valid():
        return Sent(shown, _problems(shown))
    if not shown.has_changed and LEAVE not in request.POST:
        return None
    try:
        section.keep(campaign, shown, signed, request.POST)
    except Refused as refused:
        if refused.refusal.rule == EDITED:
            return _overtaken(shown)
        return Sent(shown, [_placed(shown, refused.refusal)])
    return None


def _overtaken(shown: Shown) -> Sent:
    """Another person was faster: nothing is lost, and what differs is named."""
    own = [("", shown.form)] if shown.form and shown.form.is_bound else []
    rows = [(line.name, line.form) for table in shown.tables for line in table.lines]
    unlike = [
        (
            " · ".join(filter(None, [row, str(form.fields[name].label)])),
            _as_text(form.fields[name].prepare_value(form[name].initial)),
            _as_text(form[name].value()),
        )
        for row, form in (*own, *rows)
        for name in form.changed_data
        if not form.fields[name].widget.is_hidden
    ]
    return Sent(shown, is_overtaken=True, unlike=unlike)


def _as_text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value if one not in (None, "")) or NOTHING
    return NOTHING if value in (None, "") else str(value)


def _fitted(request: HttpRequest, campaign: Campaign) -> Sent | None:
    """The panel's buttons: numbers or budget made to fit."""
    wanted = request.POST.get(FIT)
    if wanted not in set(Fit):
        return Sent(Shown("", ""), [Problem(_("Nothing was saved."))])
    signed = _signature(request)
    try:
        setting_up.make_fit(
            campaign=campaign,
            seen_edit=signed.seen_edit,
            fit=Fit(wanted),
            by=signed.by,
            at=signed.at,
        )
    except Refused as refused:
        if refused.refusal.rule == EDITED:
            return Sent(Shown("", ""), is_overtaken=True)
        return Sent(Shown("", ""), [Problem(sentence(refused.refusal, get_language() or "en"))])
    return None


def _problems(shown: Shown) -> list[Problem]:
    """Every error once, for the summary; each stands beside its field too."""
    found: list[Problem] = []
    for form in shown.forms:
        for one in getattr(form, "forms", [form]):
            for name, texts in one.errors.items():
                bound = one[name] if name in one.fields else None
                target = f"field-{bound.auto_id}" if bound else ""
                said = f"{bound.label}: " if bound else ""
                found += [Problem(f"{said}{text}", target) for text in texts]
        if hasattr(form, "non_form_errors"):
            found += [Problem(str(text)) for text in form.non_form_errors()]
    return list(dict.fromkeys(found))


def _placed(shown: Shown, refusal: Refusal) -> Problem:
    """A refusal in words, put beside its field where the section has one."""
    text = sentence(refusal, get_language() or "en")
    name = FIELDS_OF_RULES.get(refusal.rule)
    if name is None or shown.form is None or name not in shown.form.fields:
        return Problem(text)
    shown.form.add_error(name, text)
    return Problem(text, f"field-{shown.form[name].auto_id}")


def _rendered(
    page: Any, request: HttpRequest, campaign: Campaign, sent: Sent | None
) -> HttpResponse:
    site: AdminSite = page.admin_site
    document = document_of(campaign)
    said = sentences(document)
    shared = panel_context(request.user, campaign)
    missing = {line.section for line in shared["panel"].missing}
    sections = [
        {
            "shown": sent.shown
            if sent and sent.shown.key == section.key
            else section.build(page, request, campaign, None),
            "said": said[section.key],
            "sent": sent if sent and sent.shown.key == section.key else None,
            "is_open": section.key in missing or (sent and sent.shown.key == section.key),
        }
        for section in SECTIONS
    ]
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": _("Set up"),
        "opts": Campaign._meta,
        "campaign": campaign,
        "sections": sections,
        "seen_edit": newest_edit(campaign),
        "sent": sent,
        "others": _edits_since(request, campaign) if sent and sent.is_overtaken else [],
        "storage_key": f"setup:{request.user.pk}:{campaign.pk}",
        "risk_rules": [rule_text(rule) for rule in risk_rules.in_force(campaign)[1]],
        **shared,
    }
    # Rendered here, because its times are written when it is rendered.
    return TemplateResponse(request, "vouchers/setup/page.html", context).render()


def panel_context(user: Any, campaign: Campaign) -> dict[str, Any]:
    """What the panel's template asks for."""
    panel = panel_of(campaign, at=timezone.now())
    return {
        "panel": panel,
        "short": in_short(document_of(campaign)),
        "rejection": came_back().filter(terms__campaign=campaign).first(),
        **reach_context(user, campaign, panel.reach),
    }


def _edits_since(request: HttpRequest, campaign: Campaign) -> list[Told]:
    """What others did since the page that was sent was opened, newest first."""
    edits = CampaignEdit.objects.filter(campaign=campaign, pk__gt=_signature(request).seen_edit)
    return list(told(edits.select_related("user").order_by("-pk")[:10]))


def address(campaign: Campaign) -> str:
    """Where a draft is set up."""
    return reverse("admin:vouchers_campaign_set_up", args=[campaign.pk])
