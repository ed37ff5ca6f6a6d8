"""Back-tests: a changed risk rule tried on past redemptions, before it goes live."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from merchants.admin.choices import PickedRow
from merchants.admin.labels import labelled
from merchants.models import Store
from vouchers.admin.base import ReadOnlyAdmin, act
from vouchers.admin.limits.rule_fields import (
    CHANGED_IN,
    RuleFigures,
    beginning,
    chosen_kind,
    offered,
    query_of,
)
from vouchers.admin.rule_words import KIND_NAMES, tried_text
from vouchers.models import BackTest, Campaign
from vouchers.money import yuan
from vouchers.rules.limits.back_test import REPLAYED, Replayed
from vouchers.services.campaigns import risk_rules
from vouchers.services.limits.back_tests import RISK, request_back_test
from vouchers.states import CampaignState, RiskKind, RiskSetting
from vouchers.tasks import wake_back_tests

REPLAY_NOTES = {
    Replayed.EXACTLY: _("exactly as at the till"),
    Replayed.BY_FINAL_AMOUNT: _(
        "nearly: of orders that were authorised first, the final amount is on file"
    ),
    Replayed.BY_PLACES_OF_TODAY: _("nearly: stores are taken to lie where they lie today"),
    Replayed.BY_TILLS_OF_TODAY: _("nearly: stores are taken to have the tills they have today"),
    Replayed.NOT: _("not at all: where a voucher was shown is not kept; look at its signals"),
}


def _day() -> UnfoldAdminTextInputWidget:
    """The browser's own calendar."""
    return UnfoldAdminTextInputWidget(attrs={"type": "date"})


class BackTestForm(RuleFigures):
    """A rule of a kind as it might be, and the days to try it on."""

    campaign = PickedRow(
        queryset=Campaign.objects.all(), label=_("Campaign"), widget=UnfoldAdminSelectWidget
    )
    first_day = forms.DateField(label=_("From (business day)"), widget=_day())
    last_day = forms.DateField(label=_("To, included"), widget=_day())


@admin.register(BackTest)
class BackTestAdmin(ReadOnlyAdmin):
    """The list of back-tests; the page of one shows how far it is and what it found."""

    nothing_yet = _(
        "No back-test yet. A changed rule is tried on past redemptions from “Results of rules”."
    )
    list_display = ["numbered", "campaign", "kind", "first_day", "last_day", "standing", "hits"]
    list_filter = ["kind"]
    list_select_related = ["campaign"]

    @display(description=_("back-test"))
    def numbered(self, test: BackTest) -> str:
        return str(test)

    @labelled(_("state"), {"done": "success", "runs": "warning"})
    def standing(self, test: BackTest) -> tuple[str, Any]:
        return ("runs", _("running")) if test.finished_at is None else ("done", _("finished"))

    @display(description=_("hits"), empty_value="–")
    def hits(self, test: BackTest) -> str | None:
        return f"{test.result['hits']:,}" if test.result else None

    def get_urls(self) -> list[URLPattern]:
        """With the address of the form."""
        view = self.admin_site.admin_view(self.ask)
        return [path("ask/", view, name="vouchers_backtest_ask"), *super().get_urls()]

    def ask(self, request: HttpRequest) -> HttpResponse:
        """For those who propose risk rules: all kinds to choose from, then the form of the one in
        the address. A form that is sent is worked off by a worker."""
        if not request.user.has_perm(RISK):
            raise PermissionDenied
        campaign = _campaign(request.GET.get("campaign", ""))
        rules = risk_rules.in_force(campaign)[1] if campaign else None
        kind = chosen_kind(request.GET)
        more = {"campaign": campaign.pk} if campaign else {}
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": gettext("Try a changed rule on past redemptions"),
            "intro": gettext(
                "The rule is asked about every redemption of these days in the order of time, as a"
                " till's orders are. Nothing is changed. Orders that were refused then are not"
                " tried: they are no redemptions."
            ),
            "send": gettext("Try it"),
            "has_notes": True,
        }
        if kind is None or not _is_replayed(kind):
            context["kinds"] = offered(rules, more=more, note=_honesty, is_open=_is_replayed)
            context["campaign"] = campaign
        else:
            start = beginning(kind, request.GET, rules or ()) | {"campaign": campaign}
            form = BackTestForm(request.POST or None, kind=kind, initial=start)
            if form.is_valid() and (test := _asked(request, form)):
                page = reverse("admin:vouchers_backtest_change", args=[test.pk])
                return HttpResponseRedirect(page)
            context |= {
                "form": form,
                "kind": KIND_NAMES[kind.value],
                "others": f"?{urlencode(more)}",
                "honesty": _honesty(kind),
            }
        return TemplateResponse(request, "vouchers/rule_form.html", context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Reloads by itself until the answer is there."""
        if request.method == "POST" or not self.has_view_permission(request):
            raise PermissionDenied
        test: Any = self.get_object(request, object_id)
        if test is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": str(test),
            "test": test,
            "rule": tried_text(test.rule),
            "honesty": _honesty(RiskKind(test.kind)),
            "propose_url": _propose_url(request, test),
            "percent": 100 * test.done_count // test.total_count if test.total_count else 0,
            "cards": _cards(test) if test.result else [],
            "stores": _stores(test) if test.result else [],
        }
        return TemplateResponse(request, "vouchers/back_test.html", context)


def _is_replayed(kind: RiskKind) -> bool:
    return REPLAYED[kind] is not Replayed.NOT


def _honesty(kind: RiskKind) -> Any:
    """How completely the rows on file answer what a kind of rule asks."""
    return REPLAY_NOTES[REPLAYED[kind]]


def _campaign(number: str) -> Campaign | None:
    is_number = number.isascii() and number.isdecimal() and len(number) < 19
    return Campaign.objects.filter(pk=number).first() if is_number else None


def _asked(request: HttpRequest, form: BackTestForm) -> BackTest | None:
    """The back-test, handed to the workers; None with the refusal as a message."""
    given = form.cleaned_data
    test: BackTest | None = act(
        request,
        request_back_test,
        _("A worker tries it now."),
        campaign=given["campaign"],
        rule=form.rule(RiskSetting.LIVE),
        first_day=given["first_day"],
        last_day=given["last_day"],
        by=request.user,
        at=timezone.now(),
    )
    if test is not None:
        wake_back_tests()
    return test


def _propose_url(request: HttpRequest, test: BackTest) -> str:
    """Where the rule that was tried is proposed; the setting stays the one in force."""
    if not request.user.has_perm(RISK) or CampaignState(test.campaign.state) not in CHANGED_IN:
        return ""
    page = reverse("admin:vouchers_campaign_propose_risk_rule", args=[test.campaign_id])
    return page + query_of(test.rule)


def _cards(test: BackTest) -> list[tuple[str, str, str]]:
    result = test.result
    share = 100 * result["hits"] / result["seen"] if result["seen"] else 0.0
    return [
        (gettext("Redemptions tried"), f"{result['seen']:,}", gettext("of the days asked about")),
        (gettext("It would have hit"), f"{result['hits']:,}", f"{share:.2f} %"),
        (gettext("Subsidy of those"), yuan(result["subsidy_fen"]), gettext("held or refused")),
        (
            gettext("Known already"),
            f"{result['known']:,}",
            gettext("noticed then by the rule as it was"),
        ),
    ]


def _stores(test: BackTest) -> list[tuple[str, str, str]]:
    names = Store.objects.in_bulk(store_id for store_id, _hits, _fen in test.result["stores"])
    return [
        (str(names[store_id]) if store_id in names else str(store_id), f"{hits:,}", yuan(fen))
        for store_id, hits, fen in test.result["stores"]
    ]
