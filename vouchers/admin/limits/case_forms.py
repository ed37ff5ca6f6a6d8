"""What an officer fills in on the page of a case; each form is one act and calls one service."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

from django import forms
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from merchants.admin.labels import state_text
from vouchers.http.stops import read_end, until_at_field, until_field
from vouchers.models import Case
from vouchers.queries.limits.cases import CaseFile
from vouchers.queries.roles import people_with
from vouchers.rules.limits.cases import Seen
from vouchers.services.limits import cases
from vouchers.services.redemption import case_decisions


class ReasonForm(forms.Form):
    """Why; and what of the case its author saw."""

    title: ClassVar[Any] = ""
    seen_acts = forms.IntegerField(widget=forms.HiddenInput)
    seen_signals = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("Reason"),
        min_length=4,
        max_length=160,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: Any, *, case: Case, file: CaseFile) -> None:
        super().__init__(data)
        self.case, self.file = case, file

    def arguments(self) -> dict[str, Any]:
        """What the service is called with, beside case, user and time."""
        given = dict(self.cleaned_data)
        given.pop("seen_signals")
        return given


class DecisionForm(ReasonForm):
    """For acts that ask for nothing but a reason and for all signals to have been seen."""

    def arguments(self) -> dict[str, Any]:
        """With the signals."""
        given = self.cleaned_data
        return {
            "reason": given["reason"],
            "seen": Seen(given["seen_acts"], given["seen_signals"]),
        }


class AssignForm(ReasonForm):
    """Who is to look into it."""

    title = _("Assign")
    assignee = forms.ModelChoiceField(
        User.objects.none(), label=_("Officer"), widget=UnfoldAdminSelectWidget
    )
    field_order = ["assignee", "reason"]

    def __init__(self, data: Any, **options: Any) -> None:
        super().__init__(data, **options)
        officers = people_with(cases.CASES, at=timezone.now())
        field: Any = self.fields["assignee"]
        field.queryset = officers.order_by("username")


class DeadlineForm(ReasonForm):
    """Until when it is to be decided."""

    title = _("Set the deadline")
    deadline_at = forms.DateTimeField(
        label=_("To be decided by"),
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
    )
    field_order = ["deadline_at", "reason"]


class StopForm(ReasonForm):
    """Whose redemptions are to end with the next request."""

    title = _("Suspend")
    what = forms.ChoiceField(label=_("What is suspended"), widget=UnfoldAdminSelectWidget)
    until = until_field(UnfoldAdminSelectWidget)
    until_at = until_at_field(UnfoldAdminTextInputWidget)
    field_order = ["what", "until", "until_at", "reason"]

    def __init__(self, data: Any, **options: Any) -> None:
        super().__init__(data, **options)
        self.rows: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {}
        choices = []
        for what, label, row, act in _stoppable(self.file):
            key = f"{what}-{row.pk}"
            self.rows[key] = (act, {what: row})
            choices.append((key, f"{label}: {row} ({state_text(row)})"))
        field: Any = self.fields["what"]
        field.choices = choices

    def clean(self) -> dict[str, Any]:
        """The end in local time."""
        super().clean()
        read_end(self, at=timezone.now(), zone=timezone.get_default_timezone())
        return self.cleaned_data

    def arguments(self) -> dict[str, Any]:
        """With the row that was chosen."""
        given = super().arguments()
        _service, row = self.rows[given.pop("what")]
        return {**given, **row}


def _stoppable(file: CaseFile) -> list[tuple[str, Any, Any, Callable[..., Any]]]:
    return [
        *[
            ("store", _("store"), place.store, case_decisions.suspend_store)
            for place in file.places
        ],
        *[
            ("merchant", _("merchant"), merchant, case_decisions.suspend_merchant)
            for merchant in file.merchants
        ],
        *[("credential", _("till"), till, case_decisions.suspend_till) for till in file.tills],
    ]


class CaseAct(NamedTuple):
    """An act by the name its button posts."""

    form: type[ReasonForm]
    service: Callable[..., Any]
    success: Any


ACTS: Mapping[str, CaseAct] = {
    "clear": CaseAct(
        DecisionForm, case_decisions.clear, _("Cleared. What was held of it is owed again.")
    ),
    "confirm": CaseAct(
        DecisionForm, case_decisions.confirm, _("Confirmed. What was held of it has gone back.")
    ),
    "hold": CaseAct(ReasonForm, case_decisions.hold_rest, _("The money is held.")),
    "assign": CaseAct(AssignForm, cases.assign, _("Assigned.")),
    "deadline": CaseAct(DeadlineForm, cases.set_deadline, _("The deadline is set.")),
    "stop": CaseAct(
        StopForm, case_decisions.suspend_store, _("Suspended, from the next request on.")
    ),
}


def service_of(name: str, form: ReasonForm) -> Callable[..., Any]:
    """The one service that a posted form calls."""
    if isinstance(form, StopForm):
        return form.rows[form.cleaned_data["what"]][0]
    return ACTS[name].service
