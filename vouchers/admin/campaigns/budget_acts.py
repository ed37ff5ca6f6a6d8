"""The acts on a launched campaign's money: proposed here, decided by another person."""

from collections.abc import Container, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.enums import ActionVariant

from merchants.models import Merchant, State, Store
from vouchers.admin.base import act, dialog, go_to
from vouchers.admin.campaigns.amendment_form import AmendmentForm
from vouchers.admin.campaigns.budget_forms import (
    AppropriationProposalForm,
    ClosingForm,
    CollectionForm,
    ProposalForm,
    RepaymentProposalForm,
    RoomProposalForm,
)
from vouchers.admin.campaigns.page import CampaignPage, act_in_dialog
from vouchers.models import Campaign
from vouchers.rules.campaigns.proposals import STATES
from vouchers.services.campaigns import amendments, lifecycle, proposals
from vouchers.services.settlement import collection
from vouchers.states import CampaignState, ProposalKind

LAUNCHED = {CampaignState.SCHEDULED, CampaignState.RUNNING, CampaignState.PAUSED}
OFFERED: Mapping[str, Container[CampaignState]] = {
    "propose_appropriation": STATES[ProposalKind.APPROPRIATION],
    "propose_room": STATES[ProposalKind.QUOTAS],
    "propose_repayment": STATES[ProposalKind.REPAYMENT],
    "collect": LAUNCHED | {CampaignState.ENDED, CampaignState.SETTLED},
    "amend": LAUNCHED,
    "settle": {CampaignState.ENDED},
    "close": {CampaignState.SETTLED},
}


COLLECTION = dialog(
    _("Paid back by a merchant"),
    _("Clears the merchant's oldest refunds; the money is free again."),
    CollectionForm,
)


class BudgetActs(CampaignPage):
    """What is proposed on a campaign's page once it has been launched, and its closing."""

    @action(
        description=_("Change an appropriation"),
        icon="account_balance",
        permissions=["edit"],
        dialog=dialog(
            _("Propose another appropriation"),
            _("Up: the difference becomes free. Down: only what is free can go. Another decides."),
            AppropriationProposalForm,
        ),
    )
    def propose_appropriation(
        self, request: HttpRequest, form: ProposalForm, object_id: str
    ) -> HttpResponse:
        given = form.cleaned_data
        return self._propose(
            request,
            form,
            proposals.propose_appropriation,
            source=given["source"],
            expected_fen=given["seen_fen"],
            target_fen=given["target_fen"],
        )

    @action(
        description=_("Move or enlarge a quota"),
        icon="swap_horiz",
        permissions=["edit"],
        dialog=dialog(
            _("Propose other quotas"),
            _("Room moves between quotas, or a round is made larger with money that came back."),
            RoomProposalForm,
        ),
    )
    def propose_room(
        self, request: HttpRequest, form: RoomProposalForm, object_id: str
    ) -> HttpResponse:
        return self._propose(
            request,
            form,
            proposals.propose_quotas,
            campaign=form.campaign,
            changes=form.changes(),
        )

    @action(
        description=_("Repay left-over"),
        icon="assured_workload",
        permissions=["edit"],
        dialog=dialog(
            _("Propose to repay the treasury"),
            _("Only free money can go. Another person decides."),
            RepaymentProposalForm,
        ),
    )
    def propose_repayment(
        self, request: HttpRequest, form: ProposalForm, object_id: str
    ) -> HttpResponse:
        given = form.cleaned_data
        return self._propose(
            request,
            form,
            proposals.propose_repayment,
            source=given["source"],
            expected_free_fen=given["seen_fen"],
            amount_fen=given["amount_fen"],
            document_no=given["document_no"],
        )

    @action(
        description=_("Paid back by a merchant"),
        icon="keyboard_return",
        permissions=["collect"],
        dialog=COLLECTION,
    )
    def collect(self, request: HttpRequest, form: CollectionForm, object_id: str) -> HttpResponse:
        given = form.cleaned_data
        merchant_id, source_id = given["debt"]
        return act_in_dialog(
            request,
            COLLECTION,
            form,
            collection.collect,
            _("The repayment has been recorded."),
            {"more_than_owed": "amount_fen", "least_amount": "amount_fen"},
            campaign=form.campaign,
            merchant=get_object_or_404(Merchant, pk=merchant_id),
            source=get_object_or_404(form.campaign.sources, pk=source_id),
            amount_fen=given["amount_fen"],
            document_no=given["document_no"],
            request_id=given["request_id"],
            by=request.user,
            at=timezone.now(),
        )

    def _propose(
        self, request: HttpRequest, form: ProposalForm, service: Any, **what: Any
    ) -> HttpResponse:
        made = act(
            request,
            service,
            _("Proposed. Another person decides on it."),
            why=form.cleaned_data["why"],
            request_id=form.cleaned_data["request_id"],
            by=request.user,
            at=timezone.now(),
            **what,
        )
        if made is None:
            return go_to("vouchers_campaign_change", form.campaign.pk)
        return go_to("vouchers_proposal_review", made.pk)

    @action(
        description=_("Amend the terms"),
        icon="event_repeat",
        permissions=["edit"],
        dialog=dialog(
            _("Amend the terms"),
            _("Terms can only become better for those who hold vouchers. Another person decides."),
            AmendmentForm,
        ),
    )
    def amend(self, request: HttpRequest, form: AmendmentForm, object_id: str) -> HttpResponse:
        given = form.cleaned_data
        with timezone.override(ZoneInfo(form.campaign.zone)):
            made = act(
                request,
                amendments.propose_amendment,
                _("The amendment waits for approval."),
                campaign=form.campaign,
                ends_at=_midnight_after(form.campaign, given["ends_on"]),
                validity_s=given["validity_s"],
                limits=form.limits(),
                stores=list(
                    Store.objects.select_related("merchant").filter(
                        merchant__in=given["merchants"], state=State.ACTIVE
                    )
                ),
                by=request.user,
                at=timezone.now(),
            )
        page = "vouchers_campaign_change" if made is None else "vouchers_campaign_review"
        return go_to(page, object_id)

    @action(
        description=_("Settle the campaign"),
        icon="done_all",
        permissions=["edit"],
        dialog=dialog(
            _("Settle the campaign"),
            _("Possible when nothing is in hands, authorised, owed or held any more."),
        ),
    )
    def settle(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._act(request, object_id, lifecycle.settle, _("Settled."))

    @action(
        description=_("Close the books"),
        icon="inventory",
        variant=ActionVariant.DANGER,
        permissions=["edit"],
        dialog=dialog(
            _("Close the books"),
            _("Possible when the left-over has been repaid and no merchant owes anything."),
            ClosingForm,
        ),
    )
    def close(self, request: HttpRequest, form: ClosingForm, object_id: str) -> HttpResponse:
        return self._act(
            request,
            object_id,
            lifecycle.close,
            _("Closed."),
            document_no=form.cleaned_data["document_no"],
        )


def _midnight_after(campaign: Campaign, day: date | None) -> datetime | None:
    """The first moment that is no longer of the day, in the campaign's zone."""
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(campaign.zone))
