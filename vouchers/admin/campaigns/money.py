"""The money of a campaign for manager and auditor: balances at an instant, settlements, left-over,
the last audit, the auditor's pack and ready questions. Read-only but for asking for a pack."""

from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action

from vouchers import tasks
from vouchers.admin.base import act
from vouchers.admin.campaigns.overview import (
    Table,
    budget_bar,
    identity_table,
    leftovers_table,
)
from vouchers.admin.campaigns.page import CampaignPage
from vouchers.admin.proofs import first_broken
from vouchers.admin.words import instant
from vouchers.http.files import file_answer, sent
from vouchers.models import AuditReport, Campaign
from vouchers.money import yuan
from vouchers.queries.ledger.balances import identity_rows
from vouchers.queries.proofs.findings import QUESTIONS
from vouchers.queries.settlement import MOST_SHOWN, Payouts, payouts_of
from vouchers.services.proofs import packs
from vouchers.services.proofs.questions import write_answer
from vouchers.services.roles import view_area

BYTES_PER_MB: Final = 1_000_000
MONEY = "admin:vouchers_campaign_money"


class InstantForm(forms.Form):
    """Until when postings count, on the campaign's clocks."""

    at = forms.DateTimeField(
        label=gettext_lazy("As of"),
        widget=forms.DateTimeInput(
            format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local", "class": "hm-input"}
        ),
    )


class MoneyActs(CampaignPage):
    """The page of a campaign's money and what is fetched from it."""

    @action(description=gettext_lazy("Money"), icon="account_balance")
    def money(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """GET shows the money as of an instant; POST asks for a pack."""
        campaign = _campaign(request, object_id)
        if request.method == "POST":
            _ask_for_pack(request, campaign)
            return redirect(MONEY, campaign.pk)
        with timezone.override(ZoneInfo(campaign.zone)):
            form = InstantForm(request.GET if "at" in request.GET else None)
            at = form.cleaned_data["at"] if form.is_valid() else timezone.now()
            context = {
                **self.admin_site.each_context(request),
                "title": _("Money"),
                "opts": self.opts,
                "form": form if form.is_bound else InstantForm(initial={"at": at}),
                **_shown(request, campaign, at),
            }
            # Rendered here, because its times are written when it is rendered.
            return TemplateResponse(request, "vouchers/money.html", context).render()

    def packs(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The packs alone, as the page asks for them again while one is written."""
        context = _packs(request, _campaign(request, object_id))
        return TemplateResponse(request, "vouchers/packs.html", context)

    def pack(self, request: HttpRequest, object_id: str, name: str) -> HttpResponseBase:
        """A whole pack as a file."""
        campaign = _campaign(request, object_id)
        if not view_area(request.user, AuditReport, at=timezone.now()).is_city:
            raise PermissionDenied
        whole = {it.name for it in _packs_of(campaign) if it.state is packs.PackState.DONE}
        if name not in whole:
            raise Http404
        return file_answer(request, _directory() / name)

    def question(self, request: HttpRequest, object_id: str, name: str) -> HttpResponseBase:
        """The rows of one of the auditor's questions, as CSV."""
        campaign = _campaign(request, object_id)
        if not view_area(request.user, AuditReport, at=timezone.now()).is_city:
            raise PermissionDenied
        question = next((it for it in QUESTIONS if it.name == name), None)
        if question is None:
            raise Http404
        # On the disk, which takes any answer; without a name, so that it is gone with the answer.
        file = TemporaryFile()  # noqa: SIM115
        # Spreadsheets take UTF-8 for it only after its mark.
        text = TextIOWrapper(file, encoding="utf-8-sig", newline="")
        write_answer(question=question, campaign=campaign, file=text, at=timezone.now())
        text.detach().seek(0)
        name = f"{campaign.code}-{question.name}.csv"
        return sent(request, file, name=name, content_type="text/csv; charset=utf-8")

    def get_urls(self) -> list[URLPattern]:
        """With what is fetched."""
        wrap, name = self.admin_site.admin_view, "vouchers_campaign_money"
        pack = path("<path:object_id>/money/pack/<str:name>", wrap(self.pack), name=f"{name}_pack")
        return [
            path("<path:object_id>/money/packs/", wrap(self.packs), name=f"{name}_packs"),
            pack,
            path(
                "<path:object_id>/money/question/<slug:name>.csv",
                wrap(self.question),
                name=f"{name}_question",
            ),
            *super().get_urls(),
        ]


def _campaign(request: HttpRequest, object_id: str) -> Campaign:
    """For people who see the whole city: no account is a district's."""
    if not view_area(request.user, Campaign, at=timezone.now()).is_city:
        raise PermissionDenied
    return get_object_or_404(Campaign, pk=object_id)


def _shown(request: HttpRequest, campaign: Campaign, at: datetime) -> dict[str, Any]:
    rows = identity_rows(campaign.pk, at=at)
    report = AuditReport.objects.first()
    return {
        "campaign": campaign,
        "at": instant(at, ZoneInfo(campaign.zone)),
        "identity": identity_table(rows),
        "is_balanced": all(row.off_fen == 0 for row in rows),
        "bars": [budget_bar(row) for row in rows],
        **_settlements(payouts_of(campaign.pk)),
        "leftovers": leftovers_table(campaign),
        "report": report,
        "broken": report and first_broken(report),
        "questions": [(it.name, _(it.statement)) for it in QUESTIONS],
        **_packs(request, campaign),
    }


def _settlements(found: Payouts) -> dict[str, Any]:
    """Three tables; None for one without rows."""
    by_source = [
        [
            row.source,
            yuan(row.cash_fen),
            f"{yuan(row.paid_fen)} ({row.paid_count:,})",
            f"{yuan(row.waiting_fen)} ({row.waiting_count:,})",
            yuan(row.missing_fen),
        ]
        for row in found.sources
    ]
    partly = [
        [_day(row.business_day), row.merchant, yuan(row.paid_fen), yuan(row.waiting_fen)]
        for row in found.partly_paid
    ]
    waiting = [
        [_day(row.business_day), row.merchant.name, row.source.name, yuan(row.total_fen)]
        for row in found.waiting
    ]
    heads = (
        [
            _("source"),
            _("cash received"),
            _("payouts instructed"),
            _("waits for cash"),
            _("cash missing"),
        ],
        [_("business day"), _("merchant"), _("instructed"), _("waits for cash")],
        [_("business day"), _("merchant"), _("source"), _("total")],
    )
    names = ("payouts", "partly_paid", "waiting")
    tables = zip(names, heads, (by_source, partly, waiting), strict=True)
    return {"most": MOST_SHOWN, **{name: _table(head, rows) for name, head, rows in tables}}


def _table(headers: list[str], rows: list[list[str]]) -> Table | None:
    return {"headers": headers, "rows": rows} if rows else None


def _day(value: Any) -> str:
    return date_format(value, "Y-m-d")


def _packs(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    """The packs of a campaign; None for people who may not see them."""
    if not view_area(request.user, AuditReport, at=timezone.now()).is_city:
        return {"packs": None}
    found = _packs_of(campaign)
    return {
        "campaign": campaign,
        "packs": [(it, f"{it.size_bytes / BYTES_PER_MB:,.1f} MB") for it in found],
        "is_under_way": any(it.is_under_way for it in found),
    }


def _packs_of(campaign: Campaign) -> list[packs.PackFile]:
    return packs.packs_of(campaign=campaign, directory=_directory(), at=timezone.now())


def _directory() -> Path:
    return Path(settings.HUIMIN_ARCHIVE_DIR) / tasks.PACKS


def _ask_for_pack(request: HttpRequest, campaign: Campaign) -> None:
    name = act(
        request,
        packs.ask_for_pack,
        _("The pack is being written by a worker."),
        campaign=campaign,
        directory=_directory(),
        by=request.user,
        at=timezone.now(),
    )
    if name and not tasks.wake_pack_writer(campaign_id=campaign.pk, name=name):
        messages.error(request, _("No worker could be reached. Ask again in a while."))
