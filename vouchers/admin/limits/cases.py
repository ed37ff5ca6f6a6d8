"""The fraud desk: the queue of cases, and the page of one."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from merchants.admin.labels import labelled
from merchants.admin.lists import QueueChangeList
from vouchers.admin import searches
from vouchers.admin.base import ReadOnlyAdmin, act, money
from vouchers.admin.filters import CAMPAIGN
from vouchers.admin.limits.case_forms import ACTS, ReasonForm, service_of
from vouchers.admin.limits.case_page import page_of
from vouchers.admin.limits.case_words import about
from vouchers.admin.limits.rules_page import rules_page
from vouchers.admin.words import duration
from vouchers.models import Case, Resident
from vouchers.queries.limits.cases import CaseFile, case_file, with_held_fen
from vouchers.rules.limits.cases import CaseSeverity
from vouchers.services.limits.cases import CASES
from vouchers.services.roles import view_area
from vouchers.states import CaseState

OF_REASON_ALONE = ("clear", "hold", "confirm")
"""Acts that share one form: they ask for a reason only."""
COLOURS = {
    CaseSeverity.HIGH.value: "danger",
    CaseSeverity.MEDIUM.value: "warning",
    CaseSeverity.LOW.value: "info",
}


class StateFilter(admin.SimpleListFilter):
    """Open cases, unless others are asked for."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            (CaseState.CLEARED.value, _("cleared")),
            (CaseState.CONFIRMED.value, _("fraud confirmed")),
            ("all", _("all")),
        ]

    def choices(self, changelist: Any) -> Any:
        """The first of them is what is shown without a choice."""
        first, *others = super().choices(changelist)
        yield {**first, "display": _("open")}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        if self.value() == "all":
            return queryset
        return queryset.filter(state=self.value() or CaseState.OPEN.value)


class MineFilter(admin.SimpleListFilter):
    """Cases of the person, of nobody yet, or of all."""

    title = _("assigned to")
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("mine", _("me")), ("nobody", _("nobody yet"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        if self.value() == "mine":
            return queryset.filter(assignee=request.user.pk)
        return queryset.filter(assignee=None) if self.value() == "nobody" else queryset


@admin.register(Case)
class CaseAdmin(searches.ExactSearch, ReadOnlyAdmin):
    """The queue by deadline; the page of a case shows what it is about and offers the acts."""

    nothing_yet = _(
        "No open case. Signals of rules in force become a case within a minute; decided"
        " cases are shown by the filter."
    )
    list_display = [
        "numbered",
        "how_grave",
        "due",
        "kind",
        "about",
        "campaign",
        "signal_count",
        "at_stake",
        "age",
        "assignee",
    ]
    list_filter = [StateFilter, MineFilter, "severity", "kind", CAMPAIGN]
    list_select_related = ["campaign", "store__merchant", "assignee"]
    searches = [searches.number(), searches.subject]
    search_help_text = _("Number of a case or of its subject")

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[QueueChangeList]:
        """By deadline, what is overdue first."""
        return QueueChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        """With the money held, and the number of the resident it may be about."""
        people = Resident.objects.filter(pk=OuterRef("subject_id")).values("external_id")
        rows: QuerySet[Case] = super().get_queryset(request)
        return with_held_fen(rows).annotate(resident=Subquery(people))

    @display(description=_("case"))
    def numbered(self, case: Case) -> str:
        return str(case)

    @labelled(_("severity"), COLOURS)
    def how_grave(self, case: Case) -> tuple[int, str]:
        return case.severity, case.get_severity_display()

    @labelled(_("deadline"), {"late": "danger"})
    def due(self, case: Case) -> tuple[str, str]:
        return _due(case, timezone.now())

    @display(description=_("concerns"))
    def about(self, case: Any) -> str:
        return about(case, case.resident)

    at_stake = money("held_fen", _("held"))

    @display(description=_("open for"))
    def age(self, case: Case) -> str:
        return _age(case, timezone.now())

    def get_urls(self) -> list[URLPattern]:
        """With the address of the risk rules' results."""
        view = self.admin_site.admin_view(self.rules)
        return [path("rules/", view, name="vouchers_case_rules"), *super().get_urls()]

    def rules(self, request: HttpRequest) -> HttpResponse:
        """What each risk rule noticed, and how often it was wrong: in the whole city."""
        if not view_area(request.user, Case, at=timezone.now()).is_city:
            raise PermissionDenied
        return rules_page(self.admin_site, request)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The page of one case; what is posted is an act on it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        case: Any = self.get_object(request, object_id)
        if case is None:
            raise Http404
        now = timezone.now()
        may_act = request.user.has_perm(CASES)
        file = case_file(case, at=now)
        bound: dict[str, ReasonForm] = {}
        if request.method == "POST":
            name = request.POST.get("act", "")
            if not may_act or name not in ACTS:
                raise PermissionDenied
            form = ACTS[name].form(request.POST, case=case, file=file)
            if form.is_valid() and _done(request, name, form, now):
                return HttpResponseRedirect(reverse("admin:vouchers_case_change", args=[case.pk]))
            bound = {name: form}
            case = self.get_object(request, object_id)
            file = case_file(case, at=now)
        context = {
            **self.admin_site.each_context(request),
            **page_of(case, file, about(case, case.resident), at=now),
            "title": str(case),
            "due": _due(case, now),
            "age": _age(case, now),
            "forms": _forms(bound, case, file) if may_act and _is_open(case) else None,
        }
        return TemplateResponse(request, "vouchers/case.html", context)


def _done(request: HttpRequest, name: str, form: ReasonForm, at: datetime) -> bool:
    assert isinstance(request.user, User)
    done = act(
        request,
        service_of(name, form),
        ACTS[name].success,
        case=form.case,
        by=request.user,
        at=at,
        **form.arguments(),
    )
    return done is not None


def _forms(bound: dict[str, ReasonForm], case: Case, file: CaseFile) -> dict[str, Any]:
    """The one with three buttons, and the others by act; what was refused keeps what was typed."""
    fresh = {name: one.form(None, case=case, file=file) for name, one in ACTS.items()}
    shown = fresh | bound
    decide = next((bound[name] for name in OF_REASON_ALONE if name in bound), fresh["clear"])
    others = [(name, form) for name, form in shown.items() if name not in OF_REASON_ALONE]
    return {"decide": decide, "others": others}


def _is_open(case: Case) -> bool:
    return case.state == CaseState.OPEN


def _due(case: Case, at: datetime) -> tuple[str, str]:
    if not _is_open(case):
        return "over", case.get_state_display()
    left_s = int((case.deadline_at - at).total_seconds())
    if left_s < 0:
        return "late", gettext("overdue by %(time)s") % {"time": _about_s(-left_s)}
    return "ahead", gettext("in %(time)s") % {"time": _about_s(left_s)}


def _age(case: Case, at: datetime) -> str:
    until = case.decided_at or at
    return _about_s(int((until - case.opened_at).total_seconds()))


def _about_s(seconds: int) -> str:
    """A duration in whole days, or whole hours, or minutes."""
    for unit_s in (86_400, 3_600, 60):
        if seconds >= unit_s:
            return duration(seconds - seconds % unit_s)
    return gettext("less than a minute")
