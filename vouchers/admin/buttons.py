"""Buttons on a row's page: each opens a dialog, calls one service and shows the outcome."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from vouchers.admin.base import act, dialog, given, go_to


class ReasonForm(BaseDialogForm):
    """Why it is done; kept in the row's history."""

    reason = forms.CharField(label=_("Reason"), max_length=200, widget=UnfoldAdminTextInputWidget)


def button(
    service: Callable[..., Any],
    label: Any,
    *,
    icon: str,
    title: Any,
    description: Any,
    success: Any,
    form: type[BaseDialogForm] = ReasonForm,
    subject: str,
    permission: str,
    then: Callable[[], None] = lambda: None,
) -> Any:
    """A button that calls `service` with the page's row as `subject`, the acting user (`by`), the
    time (`at`) and the form's values; `then` is called when the service did not refuse."""

    @action(
        description=label,
        icon=icon,
        permissions=[permission],
        dialog=dialog(title, description, form),
    )
    def press(self: Any, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        row = get_object_or_404(self.model, pk=object_id)
        arguments = {subject: row, "by": request.user, "at": timezone.now(), **given(form)}
        if act(request, service, success, **arguments):
            then()
        return go_to(f"{row._meta.app_label}_{row._meta.model_name}_change", object_id)

    return press
