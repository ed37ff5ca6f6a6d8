"""The page that proposes another setting of a risk rule; another person decides."""

from collections.abc import Container, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget

from merchants.errors import Refused
from vouchers.admin.campaigns.budget_acts import BudgetActs
from vouchers.admin.campaigns.budget_forms import ProposalForm
from vouchers.admin.faults import sentence
from vouchers.admin.limits.rule_fields import (
    CHANGED_IN,
    RuleFigures,
    beginning,
    chosen_kind,
    offered,
)
from vouchers.admin.rule_words import KIND_NAMES, rule_text
from vouchers.models import Campaign, Proposal
from vouchers.models.limits.risk import RISK_SETTINGS
from vouchers.rules.limits.risk_rules import PARAMETERS
from vouchers.services.campaigns import proposals, risk_rules
from vouchers.states import CampaignState, RiskSetting

OFFERED: Mapping[str, Container[CampaignState]] = {
    "propose_risk_rule": CHANGED_IN,
}


class RiskRuleForm(RuleFigures, ProposalForm):
    """One rule of the version in force, as it is to be."""

    setting = forms.ChoiceField(
        label=_("Setting"),
        choices=RISK_SETTINGS,
        help_text=_("Only watched: what it notices is recorded, and nothing else is done."),
        widget=UnfoldAdminSelectWidget,
    )
    expected_version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        figures = PARAMETERS[self.kind]
        self.order_fields([*figures, "setting", "verdict", "why"])


class RiskActs(BudgetActs):
    """What is proposed about the risk rules on a campaign's page."""

    def has_risk_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm(proposals.RISK)

    @action(description=_("Change a risk rule"), icon="policy", permissions=["risk"])
    def propose_risk_rule(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Without a kind in the address all kinds to choose from, then the form of one."""
        campaign = get_object_or_404(Campaign, pk=object_id)
        version, rules = risk_rules.in_force(campaign)
        kind = chosen_kind(request.GET)
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": gettext("Propose another setting of a risk rule"),
            "opts": self.opts,
            "campaign": campaign,
            "intro": gettext("Another person decides. Begin by only watching for some days."),
            "send": gettext("Propose"),
        }
        if kind is None:
            context["kinds"] = offered(rules, more={})
        else:
            form = RiskRuleForm(
                data=request.POST or None,
                request=request,
                object_id=object_id,
                kind=kind,
                initial=beginning(kind, request.GET, rules) | {"expected_version": version},
            )
            if form.is_valid() and (made := _proposed(request, campaign, form)):
                return HttpResponseRedirect(
                    reverse("admin:vouchers_proposal_review", args=[made.pk])
                )
            context |= {
                "form": form,
                "kind": KIND_NAMES[kind.value],
                "standing": next((rule_text(it) for it in rules if it["kind"] == kind), ""),
                "others": request.path,
            }
        return TemplateResponse(request, "vouchers/rule_form.html", context)


def _proposed(request: HttpRequest, campaign: Campaign, form: RiskRuleForm) -> Proposal | None:
    """The proposal, or None with the refusal on the form."""
    given = form.cleaned_data
    user: Any = request.user
    try:
        made = proposals.propose_risk_rule(
            campaign=campaign,
            rule=form.rule(RiskSetting(given["setting"])),
            expected_version=given["expected_version"],
            why=given["why"],
            request_id=given["request_id"],
            by=user,
            at=timezone.now(),
        )
    except Refused as refused:
        form.add_error(None, sentence(refused.refusal, get_language() or "en"))
        return None
    messages.success(request, gettext("Proposed. Another person decides on it."))
    return made
