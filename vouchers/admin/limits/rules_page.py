"""The page of the risk rules' results: hits, what they did or would have done, how often wrong."""

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget

from merchants.admin.choices import PickedRow
from vouchers.admin.limits.rule_fields import query_of
from vouchers.admin.rule_words import sentence_of, standing_of
from vouchers.admin.words import instant
from vouchers.models import Campaign
from vouchers.money import yuan
from vouchers.queries.limits.rules import RuleResult, rule_results
from vouchers.rules.limits.back_test import REPLAYED, Replayed
from vouchers.services.limits.back_tests import RISK
from vouchers.states import RiskSetting, RiskVerdict

DID = {
    (RiskSetting.LIVE, RiskVerdict.PAY): gettext_lazy("recorded %(count)s · %(amount)s"),
    (RiskSetting.LIVE, RiskVerdict.HOLD): gettext_lazy("held %(count)s · %(amount)s"),
    (RiskSetting.LIVE, RiskVerdict.REFUSE): gettext_lazy("refused %(count)s orders"),
    (RiskSetting.SHADOW, RiskVerdict.PAY): gettext_lazy(
        "would have recorded %(count)s · %(amount)s"
    ),
    (RiskSetting.SHADOW, RiskVerdict.HOLD): gettext_lazy("would have held %(count)s · %(amount)s"),
    (RiskSetting.SHADOW, RiskVerdict.REFUSE): gettext_lazy(
        "would have refused %(count)s · %(amount)s"
    ),
}


class CampaignForm(forms.Form):
    """The campaign whose rules are shown."""

    campaign = PickedRow(
        queryset=Campaign.objects.none(),
        label=gettext_lazy("Campaign"),
        empty_label=None,
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        newest = Campaign.objects.filter(risk_versions__isnull=False).distinct().order_by("-pk")
        field: Any = self.fields["campaign"]
        field.queryset = newest
        field.become_short()


def rules_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """The newest campaign with risk rules, or the one asked for."""
    form = CampaignForm(request.GET or None)
    field: Any = form.fields["campaign"]
    campaign = form.cleaned_data["campaign"] if form.is_valid() else field.queryset.first()
    if campaign is not None:
        form.initial["campaign"] = campaign.pk
    context = {
        **site.each_context(request),
        "title": _("Results of the risk rules"),
        "form": form,
        "campaign": campaign,
        "may_try": request.user.has_perm(RISK),
        "try_url": reverse("admin:vouchers_backtest_ask"),
        "try_one_url": reverse("admin:vouchers_backtest_ask")
        + (f"?campaign={campaign.pk}" if campaign else ""),
        "tests_url": reverse("admin:vouchers_backtest_changelist"),
        "rows": [_row(result, campaign) for result in rule_results(campaign)] if campaign else [],
    }
    return TemplateResponse(request, "vouchers/risk_results.html", context)


def _row(result: RuleResult, campaign: Campaign) -> dict[str, Any]:
    rule, count = result.rule, result.counted
    figures = {
        "count": f"{count.signals:,}",
        "amount": yuan(count.subsidy_fen),
    }
    share = result.overturned_pct
    return {
        "version": f"v{result.version}",
        "since": instant(result.in_force_at, ZoneInfo(campaign.zone)),
        "sentence": sentence_of(rule.kind, rule.parameters),
        "standing": standing_of(rule.setting, rule.verdict),
        "is_tried": REPLAYED[rule.kind] is not Replayed.NOT,
        "query": query_of(rule.document, campaign=campaign.pk),
        "hits": f"{count.signals:,}",
        "did": str(DID[rule.setting, rule.verdict]) % figures if count.signals else "–",
        "open": count.open_cases,
        "confirmed": count.confirmed_cases,
        "cleared": count.cleared_cases,
        "overturned": "–" if share is None else f"{share:.0f} %",
    }
