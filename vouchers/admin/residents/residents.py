"""Residents, without what identifies them: attributes, consent, and why (not) them."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from merchants.admin.base import ReadOnlyInline
from vouchers.admin import searches
from vouchers.admin.base import coloured, dialog, go_to
from vouchers.admin.forms import ExplainForm
from vouchers.admin.residents.acts import ACTS, ResidentActs
from vouchers.http.explanations import run_sentence, sentence
from vouchers.models import Consent, Link, Proxy, Resident, ResidentPoint
from vouchers.services.audience.explain import Explained, look_up
from vouchers.services.audience.explain_run import ExplainedRun, look_up_run
from vouchers.states import ResidentState


class PointInline(ReadOnlyInline):
    """A resident's point rounded to a kilometre; the exact place is not shown."""

    model = ResidentPoint
    fields = ["kind", "about", "datum", "observed_at", "superseded_at", "coarsened_at"]
    readonly_fields = fields

    @display(description=_("about"))
    def about(self, point: ResidentPoint) -> str:
        return f"{point.longitude_deg:.2f}°, {point.latitude_deg:.2f}°"


class ConsentInline(ReadOnlyInline):
    """Consents, given and withdrawn."""

    model = Consent
    fields = ["purpose", "text_version", "granted_at", "withdrawn_at"]
    readonly_fields = fields


class LinkInline(ReadOnlyInline):
    """Devices, phones, cards and accounts, by kind only."""

    model = Link
    fields = ["kind", "first_seen_at", "last_seen_at", "ended_at"]
    readonly_fields = fields


class ProxyInline(ReadOnlyInline):
    """The declared proxies of this resident."""

    model = Proxy
    fk_name = "holder"
    fields = ["proxy", "relation", "declared_at", "ended_at"]
    readonly_fields = fields


@admin.register(Resident)
class ResidentAdmin(searches.ExactSearch, ResidentActs):
    """Residents by number. Identity and phone are hashes and are not shown."""

    nothing_yet = _(
        "No resident yet. Channels register them, or import a file: manage.py import_residents."
    )
    list_display = ["external_id", "district", "street", "age", "state_label", "created_at"]
    list_select_related = ["district"]
    searches = [searches.text("external_id")]
    search_help_text = _("The whole resident no.")
    fields = [
        "external_id",
        "state",
        "age",
        "district",
        "street",
        "is_registered",
        "has_residence_permit",
        "guardian",
        "need_score",
        "created_at",
    ]
    readonly_fields = ["age"]
    inlines = [PointInline, ConsentInline, LinkInline, ProxyInline]
    actions_detail = ["explain", {"title": _("Act"), "items": list(ACTS)}]
    state_label = coloured(
        "state",
        _("state"),
        {
            ResidentState.ACTIVE.value: "success",
            ResidentState.FROZEN.value: "danger",
            ResidentState.DECEASED.value: "",
            ResidentState.ERASED.value: "",
        },
    )

    @display(description=_("age"), ordering="-birth_year", empty_value="–")
    def age(self, resident: Resident) -> int | None:
        """By birth year, as of this year; unknown stays unknown."""
        return resident.birth_year and timezone.localdate().year - resident.birth_year

    @action(
        description=_("Why (not)?"),
        icon="help",
        permissions=["view"],
        dialog=dialog(
            _("Why is this resident targeted, or not?"),
            _(
                "As things stand now, or as a run found them; the look is kept in the resident's"
                " history."
            ),
            ExplainForm,
            _("Explain"),
        ),
    )
    def explain(self, request: HttpRequest, form: ExplainForm, object_id: str) -> HttpResponse:
        campaign = form.cleaned_data["campaign"]
        resident = get_object_or_404(Resident, pk=object_id)
        by: Any = request.user
        look: dict[str, Any] = {
            "resident": resident,
            "reason": form.cleaned_data["reason"],
            "by": by,
            "at": timezone.now(),
        }
        if run := form.cleaned_data["run"]:
            text = run_in_words(look_up_run(run=run, **look))
            messages.info(request, f"{campaign} #{run.pk}: {text}")
        else:
            messages.info(request, f"{campaign}: {in_words(look_up(campaign=campaign, **look))}")
        return go_to("vouchers_resident_change", object_id)


def in_words(said: Explained) -> str:
    """The explanation, and for people of the bureau also who set what decides."""
    return _with_author(sentence(said), said.decided_by)


def run_in_words(said: ExplainedRun) -> str:
    """A run's explanation, with who set what decided."""
    return _with_author(run_sentence(said), said.targeted.decided_by if said.targeted else "")


def _with_author(text: str, author: str) -> str:
    return f"{text} · " + gettext("decided by %s") % author if author else text
