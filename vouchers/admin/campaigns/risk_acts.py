"""The button that proposes another setting of a risk rule; another person decides."""

import re
from collections.abc import Container, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from vouchers.admin.campaigns.budget_acts import BudgetActs
from vouchers.admin.campaigns.budget_forms import ProposalForm
from vouchers.admin.campaigns.page import dialog
from vouchers.models.limits.risk import RISK_KINDS, RISK_SETTINGS, RISK_VERDICTS
from vouchers.rules.limits.risk_rules import PARAMETERS, RiskRule
from vouchers.services.campaigns import proposals, risk_rules
from vouchers.states import CampaignState, RiskKind, RiskSetting, RiskVerdict

OFFERED: Mapping[str, Container[CampaignState]] = {
    "propose_risk_rule": {
        state
        for state in CampaignState
        if state not in {CampaignState.ENDED, CampaignState.SETTLED, CampaignState.CLOSED}
    },
}
_PARAMETER = re.compile(r"(\w+)\s*=\s*(\d{1,12})")


class RiskRuleForm(ProposalForm):
    """One rule of the version in force, as it is to be."""

    kind = forms.ChoiceField(label=_("Rule"), choices=RISK_KINDS, widget=UnfoldAdminSelectWidget)
    setting = forms.ChoiceField(
        label=_("Setting"), choices=RISK_SETTINGS, widget=UnfoldAdminSelectWidget
    )
    verdict = forms.ChoiceField(
        label=_("When it is live"), choices=RISK_VERDICTS, widget=UnfoldAdminSelectWidget
    )
    parameters = forms.CharField(
        label=_("Parameters"),
        required=False,
        help_text=_("Such as orders=10; what is not named keeps its usual value."),
        widget=UnfoldAdminTextInputWidget,
    )
    expected_version = forms.IntegerField(widget=forms.HiddenInput)
    field_order = ["kind", "setting", "verdict", "parameters", "why"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["expected_version"].initial = risk_rules.in_force(self.campaign)[0]

    def clean_parameters(self) -> dict[str, int]:
        """`name=number`, separated by blanks or commas."""
        text = self.cleaned_data["parameters"]
        if _PARAMETER.sub("", text).strip(" ,"):
            raise ValidationError(_("Write each parameter as name=number."))
        return {name: int(number) for name, number in _PARAMETER.findall(text)}

    def rule(self) -> RiskRule:
        """The rule: what was named over the usual values of its kind."""
        given = self.cleaned_data
        kind = RiskKind(given["kind"])
        usual = {name: bounds.default for name, bounds in PARAMETERS[kind].items()}
        return RiskRule(
            kind,
            RiskSetting(given["setting"]),
            RiskVerdict(given["verdict"]),
            usual | given["parameters"],
        )


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
