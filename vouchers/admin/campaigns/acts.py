"""The acts on a campaign's page: each opens a dialog, calls one service and shows the outcome."""

from collections.abc import Container, Mapping
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.enums import ActionVariant

from vouchers import tasks
from vouchers.admin.base import act, dialog, go_to
from vouchers.admin.campaigns import budget_acts, risk_acts
from vouchers.admin.campaigns.budget_acts import LAUNCHED
from vouchers.admin.campaigns.budget_forms import AppropriationForm
from vouchers.admin.campaigns.forecast import ForecastActs
from vouchers.admin.campaigns.map import MapActs
from vouchers.admin.campaigns.money import MoneyActs
from vouchers.admin.campaigns.preview import preview_page
from vouchers.admin.campaigns.reach import ReachActs
from vouchers.admin.campaigns.review import review_terms
from vouchers.admin.campaigns.risk_acts import RiskActs
from vouchers.admin.campaigns.sandbox_acts import SandboxActs
from vouchers.admin.campaigns.setup.acts import SetupActs
from vouchers.admin.campaigns.stops import PauseForm
from vouchers.admin.forms import (
    CashForm,
    RunForm,
    StoresForm,
    WeeklyRoundsForm,
)
from vouchers.models import Campaign
from vouchers.services.campaigns import lifecycle, terms
from vouchers.services.issuing import runs
from vouchers.services.ledger import funding
from vouchers.states import CampaignState, RoundWay

# In which states a button is offered; whether the act is allowed is decided by its service.
OFFERED: Mapping[str, Container[CampaignState]] = {
    "set_up": {CampaignState.DRAFT},
    "appropriate": {CampaignState.DRAFT},
    "receive_cash": {state for state in CampaignState if state != CampaignState.CLOSED},
    "add_tier": {CampaignState.DRAFT},
    "add_stores": {CampaignState.DRAFT},
    "add_weekly_rounds": {CampaignState.DRAFT},
    "submit": {CampaignState.DRAFT},
    "review": {CampaignState.SUBMITTED},
    "reopen": {CampaignState.SUBMITTED, CampaignState.APPROVED},
    "launch": {CampaignState.APPROVED, CampaignState.SCHEDULED},
    "request_run": {CampaignState.RUNNING},
    "pause": {CampaignState.RUNNING},
    "resume": {CampaignState.PAUSED},
    "end": {CampaignState.RUNNING, CampaignState.PAUSED},
    "move_clock": LAUNCHED | {CampaignState.ENDED},
    **budget_acts.OFFERED,
    **risk_acts.OFFERED,
}


class CampaignActs(SetupActs, MapActs, ReachActs, ForecastActs, MoneyActs, RiskActs, SandboxActs):
    """What can be done to a campaign, and who is offered it in which state."""

    actions_detail = [
        "set_up",
        "submit",
        "review",
        "launch",
        "request_run",
        "pause",
        "resume",
        "money",
        {
            "title": _("More"),
            "items": [
                "appropriate",
                "receive_cash",
                "add_tier",
                "add_stores",
                "add_weekly_rounds",
                "launch_list",
                "preview",
                "forecast",
                "map",
                "changes",
                "clone",
                "reopen",
                "amend",
                "propose_appropriation",
                "propose_room",
                "propose_repayment",
                "collect",
                "propose_risk_rule",
                "move_clock",
                "end",
                "settle",
                "close",
            ],
        },
    ]

    def is_offered(self, act: str, row: Campaign) -> bool:
        """What fits the campaign's state; a pause that the clock ends can be made longer."""
        is_longer = act == "pause" and row.paused_until_at is not None
        fits = is_longer or CampaignState(row.state) in OFFERED.get(act, CampaignState)
        return fits and super().is_offered(act, row)

    @action(
        description=_("Submit"),
        icon="send",
        variant=ActionVariant.PRIMARY,
        permissions=["edit"],
        dialog=dialog(
            _("Submit for approval"),
            _("The terms are frozen. Another person, who has not edited them, decides."),
        ),
    )
    def submit(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._act(request, object_id, lifecycle.submit, _("Submitted for approval."))

    @action(description=_("Review"), icon="gavel", variant=ActionVariant.PRIMARY)
    def review(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return review_terms(self.admin_site, request, get_object_or_404(Campaign, pk=object_id))

    @action(
        description=_("Back to draft"),
        icon="undo",
        permissions=["edit"],
        dialog=dialog(_("Back to draft"), _("It must be submitted and approved again.")),
    )
    def reopen(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._act(request, object_id, lifecycle.reopen, _("The campaign is a draft again."))

    @action(
        description=_("Launch"),
        icon="rocket_launch",
        variant=ActionVariant.SUCCESS,
        permissions=["edit"],
        dialog=dialog(_("Launch"), _("Vouchers can be distributed and redeemed from its start.")),
    )
    def launch(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._act(request, object_id, lifecycle.launch, _("Launched."))

    @action(
        description=_("Pause"),
        icon="pause",
        variant=ActionVariant.WARNING,
        permissions=["pause"],
        dialog=dialog(
            _("Pause"),
            _("Nothing is issued or redeemed until it is resumed, or until the time given."),
            PauseForm,
        ),
    )
    def pause(self, request: HttpRequest, form: PauseForm, object_id: str) -> HttpResponse:
        given = form.cleaned_data
        why, until_at = given["why"], given["until_at"]
        return self._act(
            request, object_id, lifecycle.pause, _("Paused."), why=why, until_at=until_at
        )

    @action(
        description=_("Resume"),
        icon="play_arrow",
        variant=ActionVariant.SUCCESS,
        permissions=["edit"],
        dialog=dialog(_("Resume")),
    )
    def resume(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._act(request, object_id, lifecycle.resume, _("Running again."))

    @action(
        description=_("End"),
        icon="stop",
        variant=ActionVariant.DANGER,
        permissions=["edit"],
        dialog=dialog(_("End the campaign"), _("For good: an ended campaign never runs again.")),
    )
    def end(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._act(request, object_id, lifecycle.end, _("Ended."))

    @action(
        description=_("Distribute"),
        icon="local_post_office",
        variant=ActionVariant.PRIMARY,
        permissions=["distribute"],
        dialog=dialog(
            _("Distribute vouchers"),
            _("A worker finds the audience, reserves the money and mints the vouchers."),
            RunForm,
        ),
    )
    def request_run(self, request: HttpRequest, form: RunForm, object_id: str) -> HttpResponse:
        run = act(
            request,
            runs.request_run,
            _("The distribution waits for a worker."),
            campaign=form.campaign,
            round=form.cleaned_data["round"],
            channel=form.cleaned_data["channel"],
            seed=form.cleaned_data["seed"],
            by=request.user,
            at=timezone.now(),
        )
        if run:
            tasks.wake_distribution()
        return go_to("vouchers_campaign_change", object_id)

    @action(
        description=_("Appropriation"),
        icon="account_balance",
        permissions=["edit"],
        dialog=dialog(
            _("What a source appropriates"),
            _("Up: the difference is free at once. Down: only what is free can go."),
            AppropriationForm,
        ),
    )
    def appropriate(
        self, request: HttpRequest, form: AppropriationForm, object_id: str
    ) -> HttpResponse:
        given = form.cleaned_data
        source = form.campaign.sources.filter(code=given["code"]).first()
        if source is None:
            return self._act(
                request,
                object_id,
                terms.add_source,
                _("The source has been added."),
                code=given["code"],
                name=given["name"],
                appropriated_fen=given["target_fen"],
            )
        act(
            request,
            terms.set_appropriation,
            _("The appropriation has been changed."),
            source=source,
            expected_fen=given["seen"].get(source.code, 0),
            target_fen=given["target_fen"],
            by=request.user,
            at=timezone.now(),
        )
        return go_to("vouchers_campaign_change", object_id)

    @action(
        description=_("Cash received"),
        icon="payments",
        permissions=["cash"],
        dialog=dialog(
            _("Cash received"), _("Payouts never exceed what has really arrived."), CashForm
        ),
    )
    def receive_cash(self, request: HttpRequest, form: CashForm, object_id: str) -> HttpResponse:
        given = form.cleaned_data
        act(
            request,
            funding.receive_cash,
            _("The receipt has been recorded."),
            source=given["source"],
            amount_fen=given["amount_fen"],
            document_no=given["document_no"],
            request_id=given["request_id"],
            currency=form.campaign.currency,
            by=request.user,
            at=timezone.now(),
        )
        return go_to("vouchers_campaign_change", object_id)

    @action(
        description=_("Add stores"),
        icon="add_business",
        permissions=["edit"],
        dialog=dialog(_("Add participating stores"), "", StoresForm),
    )
    def add_stores(self, request: HttpRequest, form: StoresForm, object_id: str) -> HttpResponse:
        return self._act(
            request,
            object_id,
            terms.add_stores,
            _("The stores take part."),
            stores=form.stores(),
            category=form.cleaned_data["category"],
        )

    @action(
        description=_("Add weekly rounds"),
        icon="event_repeat",
        permissions=["edit"],
        dialog=dialog(_("Rounds that open every week"), "", WeeklyRoundsForm),
    )
    def add_weekly_rounds(
        self, request: HttpRequest, form: WeeklyRoundsForm, object_id: str
    ) -> HttpResponse:
        given = form.cleaned_data
        return self._act(
            request,
            object_id,
            terms.add_weekly_rounds,
            _("The rounds have been added."),
            first_opens_at=given["first_opens_at"],
            open_for=timedelta(seconds=given["open_for_s"]),
            weeks=given["weeks"],
            way=RoundWay(given["way"]),
        )

    @action(description=_("Add a tier"), icon="confirmation_number", permissions=["edit"])
    def add_tier(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect(
            f"{reverse('admin:vouchers_tier_add')}?{urlencode({'campaign': object_id})}"
        )

    @action(description=_("Preview the audience"), icon="groups")
    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = get_object_or_404(Campaign, pk=object_id)
        return preview_page(self.admin_site, request, campaign, self.opts)
