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

from vouchers.admin.base import act, go_to


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
    subject: str = "resident",
    permission: str = "change_resident",
    then: Callable[[], None] = lambda: None,
) -> Any:
    """A button that calls `service` with the page's row as `subject`, the acting user (`by`), the
    time (`at`) and the form's values. `then` is called when it was not refused."""

    @action(
        description=label,
        icon=icon,
        permissions=[permission],
        dialog={
            "title": title,
            "description": description,
            "form_class": form,
            "form_submit_text": _("Confirm"),
        },
    )
    def press(self: Any, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        row = get_object_or_404(self.model, pk=object_id)
        # The dialog's own hidden field begins with an underscore.
        answers = {
            name: value for name, value in form.cleaned_data.items() if not name.startswith("_")
        }
        arguments = {subject: row, "by": request.user, "at": timezone.now(), **answers}
        if act(request, service, success, **arguments):
            then()
        return go_to(f"{row._meta.app_label}_{row._meta.model_name}_change", object_id)

    return press
