"""Where drafts come from: cards of presets, and copies of other campaigns."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from merchants.errors import Refused
from vouchers.admin.campaigns.setup.fields import LocalDateTimeInput
from vouchers.admin.campaigns.setup.page import address
from vouchers.admin.faults import FIELDS_OF_RULES, sentence
from vouchers.models import Campaign
from vouchers.money import yuan
from vouchers.rules.campaigns.beginnings import ZONE
from vouchers.rules.campaigns.presets import BY_KEY, PRESETS, Preset
from vouchers.services.campaigns import making

ADD = "vouchers.add_campaign"


class BeginningForm(forms.Form):
    """What a draft needs before anything else."""

    name = forms.CharField(label=_("Name"), max_length=120, widget=UnfoldAdminTextInputWidget)
    code = forms.SlugField(
        label=_("Campaign code"),
        max_length=40,
        help_text=_("Letters, digits, hyphens; it can't be changed afterwards."),
        widget=UnfoldAdminTextInputWidget,
    )
    starts_at = forms.DateTimeField(label=_("Starts at"), widget=LocalDateTimeInput)
    is_test = forms.BooleanField(
        label=_("Test campaign"),
        required=False,
        help_text=_("For a trial with keys of the sandbox; it can't be changed afterwards."),
        widget=UnfoldBooleanSwitchWidget,
    )


class PresetForm(BeginningForm):
    """The same with the preset's card."""

    preset = forms.ChoiceField(choices=[(preset.key, preset.key) for preset in PRESETS])
    field_order = ["preset", "name", "code", "starts_at", "is_test"]


def presets_page(page: Any, request: HttpRequest) -> HttpResponse:
    """GET shows the cards; POST makes a draft of the one chosen."""
    if not request.user.has_perm(ADD):
        raise PermissionDenied
    with timezone.override(ZoneInfo(ZONE)):
        starts_at = _next_morning()
        form = PresetForm(request.POST or None, initial={"starts_at": starts_at})
        if request.method == "POST" and form.is_valid():
            given = dict(form.cleaned_data)
            preset = BY_KEY[given.pop("preset")]
            made = _made(
                form,
                making.from_preset,
                preset=preset,
                language=get_language() or "en",
                by=request.user,
                at=timezone.now(),
                **given,
            )
            if made is not None:
                return HttpResponseRedirect(address(made))
        context: dict[str, Any] = {
            **page.admin_site.each_context(request),
            "title": _("Begin with a preset"),
            "opts": Campaign._meta,
            "form": form,
            "cards": [_card(preset) for preset in PRESETS],
            "chosen": form["preset"].value() or PRESETS[0].key,
        }
        return TemplateResponse(request, "vouchers/setup/presets.html", context).render()


def clone_page(page: Any, request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """GET asks for what is the copy's own; POST makes it."""
    if not request.user.has_perm(ADD):
        raise PermissionDenied
    with timezone.override(ZoneInfo(campaign.zone)):
        initial = {"name": campaign.name, "starts_at": _next_morning()}
        form = BeginningForm(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            made = _made(
                form,
                making.clone,
                campaign=campaign,
                by=request.user,
                at=timezone.now(),
                **form.cleaned_data,
            )
            if made is not None:
                return HttpResponseRedirect(address(made))
        context: dict[str, Any] = {
            **page.admin_site.each_context(request),
            "title": _("Copy the campaign"),
            "opts": Campaign._meta,
            "campaign": campaign,
            "form": form,
        }
        return TemplateResponse(request, "vouchers/setup/clone.html", context).render()


def _made(form: forms.Form, service: Any, **arguments: Any) -> Campaign | None:
    """The draft, or None with the refusal on the form."""
    try:
        made: Campaign = service(**arguments)
    except Refused as refused:
        name = FIELDS_OF_RULES.get(refused.refusal.rule)
        text = sentence(refused.refusal, get_language() or "en")
        form.add_error(name if name in form.fields else None, text)
        return None
    return made


def _next_morning() -> datetime:
    """Ten o'clock in a week: time for approval and the first vouchers."""
    local = timezone.localtime() + timedelta(days=7)
    return local.replace(hour=10, minute=0, second=0, microsecond=0)


def _card(preset: Preset) -> dict[str, Any]:
    """A preset in the reader's language."""
    language = get_language() or "en"
    return {
        "key": preset.key,
        "title": preset.title.of(language),
        "who": preset.who.of(language),
        "budget": yuan(preset.planned_fen),
        "tiers": [
            (tier.name.of(language), f"{tier.count:,}", yuan(tier.face_fen * tier.count))
            for tier in preset.tiers
        ],
        "sources": [f"{source.name.of(language)} {source.percent} %" for source in preset.sources],
        "days": preset.days,
        "refusals": [text.of(language) for text in preset.refusals],
    }
