"""The button that proposes another setting of a risk rule; another person decides."""

from collections.abc import Container, Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget

from vouchers.admin.campaigns.budget_acts import BudgetActs
from vouchers.admin.campaigns.budget_forms import ProposalForm
from vouchers.admin.campaigns.page import dialog
from vouchers.admin.limits.rule_fields import ParametersField, rule_typed
from vouchers.models.limits.risk import RISK_KINDS, RISK_SETTINGS, RISK_VERDICTS
from vouchers.rules.limits.risk_rules import RiskRule
from vouchers.services.campaigns import proposals, risk_rules
from vouchers.states import CampaignState, RiskSetting

OFFERED: Mapping[str, Container[CampaignState]] = {
    "propose_risk_rule": {
        state
        for state in CampaignState
        if state not in {CampaignState.ENDED, CampaignState.SETTLED, CampaignState.CLOSED}
    },
}


class RiskRuleForm(ProposalForm):
    """One rule of the version in force, as it is to be."""

    kind = forms.ChoiceField(label=_("Rule"), choices=RISK_KINDS, widget=UnfoldAdminSelectWidget)
    setting = forms.ChoiceField(
        label=_("Setting"), choices=RISK_SETTINGS, widget=UnfoldAdminSelectWidget
    )
    verdict = forms.ChoiceField(
        label=_("When it is live"), choices=RISK_VERDICTS, widget=UnfoldAdminSelectWidget
    )
    parameters = ParametersField()
    expected_version = forms.IntegerField(widget=forms.HiddenInput)
    field_order = ["kind", "setting", "verdict", "parameters", "why"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["expected_version"].initial = risk_rules.in_force(self.campaign)[0]

    def rule(self) -> RiskRule:
        """The rule: what was named over the usual values of its kind."""
        return rule_typed(self.cleaned_data, RiskSetting(self.cleaned_data["setting"]))


class RiskActs(BudgetActs):
    """What is proposed about the risk rules on a campaign's page."""

    def has_risk_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm(proposals.RISK)

    @action(
        description=_("Change a risk rule"),
        icon="policy",
        permissions=["risk"],
        dialog=dialog(
            _("Propose another setting of a risk rule"),
            _("In shadow a rule only records what it notices. Another person decides."),
            RiskRuleForm,
        ),
    )
    def propose_risk_rule(
        self, request: HttpRequest, form: RiskRuleForm, object_id: str
    ) -> HttpResponse:
        return self._propose(
            request,
            form,
            proposals.propose_risk_rule,
            campaign=form.campaign,
            rule=form.rule(),
            expected_version=form.cleaned_data["expected_version"],
        )
