"""Back-tests: a changed risk rule tried on past redemptions, before it goes live."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from merchants.admin.choices import PickedRow
from merchants.models import Store
from vouchers.admin.base import ReadOnlyAdmin, act
from vouchers.admin.limits.rule_fields import ParametersField, rule_typed
from vouchers.admin.words import rule_text
from vouchers.models import BackTest, Campaign
from vouchers.models.limits.risk import RISK_KINDS, RISK_VERDICTS
from vouchers.money import yuan
from vouchers.rules.limits.back_test import REPLAYED, Replayed
from vouchers.services.limits.back_tests import RISK, request_back_test
from vouchers.states import RiskKind, RiskSetting
from vouchers.tasks import wake_back_tests

HONESTY = {
    Replayed.EXACTLY: _("exactly as at the till"),
    Replayed.BY_FINAL_AMOUNT: _(
        "nearly: of orders that were authorised first, the final amount is on file"
    ),
    Replayed.BY_PLACES_OF_TODAY: _("nearly: stores are taken to lie where they lie today"),
    Replayed.NOT: _("not at all: where a voucher was shown is not kept; look at its signals"),
}


def _day() -> UnfoldAdminTextInputWidget:
    """The browser's own calendar."""
    return UnfoldAdminTextInputWidget(attrs={"type": "date"})


class BackTestForm(forms.Form):
    """A rule as it might be, and the days to try it on."""

    campaign = PickedRow(
        queryset=Campaign.objects.all(), label=_("Campaign"), widget=UnfoldAdminSelectWidget
    )
    kind = forms.ChoiceField(
        label=_("Rule"),
        choices=[
            (kind, name)
            for kind, name in RISK_KINDS
            if REPLAYED[RiskKind(kind)] is not Replayed.NOT
        ],
        widget=UnfoldAdminSelectWidget,
    )
    verdict = forms.ChoiceField(
        label=_("When it is live"), choices=RISK_VERDICTS, widget=UnfoldAdminSelectWidget
    )
    parameters = ParametersField()
    first_day = forms.DateField(label=_("From (business day)"), widget=_day())
    last_day = forms.DateField(label=_("To, included"), widget=_day())


@admin.register(BackTest)
class BackTestAdmin(ReadOnlyAdmin):
    """The list of back-tests; the page of one shows how far it is and what it found."""

    list_display = ["numbered", "campaign", "kind", "first_day", "last_day", "standing", "hits"]
    list_filter = ["kind"]
    list_select_related = ["campaign"]

    @display(description=_("back-test"))
    def numbered(self, test: BackTest) -> str:
        return str(test)

    @display(description=_("state"), label={"done": "success", "runs": "warning"})
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
        """The form, for those who propose risk rules; a posted one is worked off by a worker."""
        if not request.user.has_perm(RISK):
            raise PermissionDenied
        assert isinstance(request.user, User)
        form = BackTestForm(request.POST or None, initial=request.GET.dict())
        if form.is_valid():
            given = form.cleaned_data
            test = act(
                request,
                request_back_test,
                _("A worker tries it now."),
                campaign=given["campaign"],
                rule=rule_typed(given, RiskSetting.LIVE),
                first_day=given["first_day"],
                last_day=given["last_day"],
                by=request.user,
                at=timezone.now(),
            )
            if test is not None:
                wake_back_tests()
                page = reverse("admin:vouchers_backtest_change", args=[test.pk])
                return HttpResponseRedirect(page)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Try a changed rule on past redemptions"),
            "form": form,
            "honesty": [(name, HONESTY[REPLAYED[RiskKind(kind)]]) for kind, name in RISK_KINDS],
        }
        return TemplateResponse(request, "vouchers/back_test_form.html", context)

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
            "rule": rule_text(test.rule),
            "honesty": HONESTY[REPLAYED[RiskKind(test.kind)]],
            "percent": 100 * test.done_count // test.total_count if test.total_count else 0,
            "cards": _cards(test) if test.result else [],
            "stores": _stores(test) if test.result else [],
        }
        return TemplateResponse(request, "vouchers/back_test.html", context)


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
