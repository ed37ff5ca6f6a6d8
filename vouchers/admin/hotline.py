"""The hotline's page: a voucher's whole life in plain words, by what the caller has in hand, and
why a campaign reaches the caller or not."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from vouchers.admin.base import ReadOnlyAdmin
from vouchers.admin.faults import sentence
from vouchers.admin.residents.residents import in_words
from vouchers.admin.words import FOUND_BY, instant
from vouchers.models.claims import PLACES
from vouchers.money import yuan
from vouchers.queries.hotline import Entry, Event, VoucherHistory, histories_of
from vouchers.services.audience.explain import look_up_all
from vouchers.services.hotline import MOST_FOUND, FoundBy, look_up

WORDS: Mapping[Event, Any] = {
    Event.ISSUED: _(
        "Issued by run %(run)s: %(place)s is %(distance)s m from %(store)s, ring %(ring)s."
    ),
    Event.CLAIMED: _(
        "Claimed through %(channel)s: %(place)s is %(distance)s m from %(store)s, ring %(ring)s."
    ),
    Event.PRESENTED: _("Shown by %(by)s through %(channel)s as a code good for a minute."),
    Event.PAPER_MADE: _("Put on paper."),
    Event.PAPER_REPLACED: _("The paper was replaced after %(wrong_count)s wrong tries."),
    Event.REFUSED: _("Refused in %(store)s: %(answer)s"),
    Event.AUTHORISED: _(
        "Authorised in %(store)s for order %(order_no)s of %(order)s: %(discount)s set aside."
    ),
    Event.CAPTURED: _(
        "Redeemed in %(store)s on order %(order_no)s of %(order)s, shown by %(by)s:"
        " %(discount)s off."
    ),
    Event.UNDONE: _("Order %(order_no)s in %(store)s was undone: %(state)s."),
    Event.REFUNDED: _(
        "The shopper was refunded %(amount)s in %(store)s (%(refund_no)s);"
        " %(clawback)s of subsidy went back. Voucher given back: %(is_back)s."
    ),
    Event.HELD: _("The subsidy was put on hold by %(person)s: %(reason)s"),
    Event.RELEASED: _("The hold was released by %(person)s."),
    Event.SETTLED: _("%(amount)s from %(source)s settled with the day %(day)s."),
    Event.PAID_OUT: _("%(amount)s from %(source)s instructed to be paid out."),
    Event.EXPIRED: _("Its validity ended; what was not used went back into the budget."),
}


class LookUpForm(forms.Form):
    """The number that the caller reads out, and the reason for the look-up."""

    found_by = forms.ChoiceField(
        label=_("The caller has"), choices=FOUND_BY, widget=UnfoldAdminSelectWidget
    )
    number = forms.CharField(
        label=_("Number"), max_length=80, widget=UnfoldAdminTextInputWidget(attrs={"size": 40})
    )
    business_day = forms.DateField(
        label=_("Day of the order"), required=False, widget=UnfoldAdminDateWidget
    )
    reason = forms.CharField(
        label=_("Reason"),
        min_length=4,
        max_length=200,
        help_text=_("Kept in the history of the resident: e.g. the number of the call."),
        widget=UnfoldAdminTextInputWidget,
    )

    def clean(self) -> dict[str, Any]:
        """An order's number is one shop's on one day."""
        given: dict[str, Any] = super().clean() or {}
        is_of_a_day = given.get("found_by") in {FoundBy.ORDER.value, FoundBy.RECEIPT.value}
        if is_of_a_day and not given.get("business_day"):
            self.add_error("business_day", _("Ask for the day: it is printed on the receipt."))
        return given


@dataclass(frozen=True, slots=True)
class Line:
    """An event as it is read aloud."""

    at: str
    event: str
    text: str


@dataclass(frozen=True, slots=True)
class Life:
    """A voucher as the page shows it."""

    title: str
    holder: str
    state: str
    validity: str
    lines: list[Line]


class HotlinePage(ReadOnlyAdmin):
    """The page beside the list of vouchers."""

    def get_urls(self) -> list[URLPattern]:
        """With the page's own address."""
        page = path(
            "hotline/",
            self.admin_site.admin_view(self.hotline),
            name="vouchers_voucher_hotline",
        )
        return [page, *super().get_urls()]

    def hotline(self, request: HttpRequest) -> HttpResponse:
        """The form, and what the posted one finds."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = LookUpForm(request.POST or None)
        lives: list[Life] | None = None
        reasons: list[tuple[str, str]] = []
        if form.is_valid():
            assert isinstance(request.user, User)
            found = look_up(
                found_by=FoundBy(form.cleaned_data["found_by"]),
                number=form.cleaned_data["number"],
                business_day=form.cleaned_data["business_day"],
                reason=form.cleaned_data["reason"],
                by=request.user,
                at=timezone.now(),
            )
            lives = [_life(history) for history in histories_of(found)]
            reasons = _reasons(form, request.user)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Hotline"),
            "form": form,
            "lives": lives,
            "reasons": reasons,
            "most": MOST_FOUND,
        }
        return TemplateResponse(request, "vouchers/hotline.html", context)


def _reasons(form: LookUpForm, by: User) -> list[tuple[str, str]]:
    """Campaigns under way, each with why it reaches the caller or why not, where the caller's own
    number is known."""
    given = form.cleaned_data
    if given["found_by"] != FoundBy.RESIDENT:
        return []
    found = look_up_all(number=given["number"], reason=given["reason"], by=by, at=timezone.now())
    return [(campaign.name, in_words(said)) for campaign, said in found]


def _life(history: VoucherHistory) -> Life:
    tranche = history.tranche
    zone = ZoneInfo(tranche.campaign.zone)
    until = instant(tranche.valid_until_at, zone)
    return Life(
        title=f"{tranche.campaign.name} · {tranche.tier.name} · {history.voucher}",
        holder=masked(history.holder.external_id),
        state=history.voucher.get_state_display(),
        validity=f"{instant(tranche.valid_from_at, zone)} – {until}",
        lines=list(_lines(history.entries, zone)),
    )


def _lines(entries: Iterable[Entry], zone: ZoneInfo) -> Iterable[Line]:
    for entry in entries:
        text = str(WORDS[entry.event]) % _spoken(entry)
        yield Line(instant(entry.at, zone), entry.event.value, text)


def masked(number: str) -> str:
    """A resident's number with all but its ends hidden."""
    return number if len(number) < 5 else f"{number[:2]}…{number[-2:]}"


SPOKEN: Mapping[str, Callable[[Any], str]] = {
    "distance_m": "{:,.0f}".format,
    "place": lambda kind: str(dict(PLACES).get(kind, kind)),
    "by": masked,
    "day": lambda day: date_format(day, "Y-m-d"),
    "is_back": lambda is_back: gettext("yes") if is_back else gettext("no"),
}
"""How facts other than amounts are said."""


def _spoken(entry: Entry) -> dict[str, Any]:
    """The facts as people say them: amounts in yuan, metres without decimals, names for codes."""
    spoken: dict[str, Any] = {"store": "", "ring": "–", "place": "", "distance": ""}
    for name, value in entry.facts.items():
        if name.endswith("_fen"):
            spoken[name.removesuffix("_fen")] = yuan(value)
        elif name in SPOKEN:
            spoken[name.removesuffix("_m")] = SPOKEN[name](value)
        else:
            spoken[name] = value
    if entry.refusal is not None:
        spoken["answer"] = sentence(entry.refusal, get_language() or settings.LANGUAGE_CODE)
    return spoken
