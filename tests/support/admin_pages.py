"""What a browser does on pages of the admin: opens forms, sends them, presses buttons."""

from typing import Any

from django.contrib.messages import get_messages
from django.db.models import Model
from django.forms import Form
from django.test import Client
from django.urls import reverse


def address_of(row: Model, page: str) -> str:
    """The address of a page of one row, or of one of its acts."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=[row.pk])


def page_of(row: Model) -> str:
    """The address of the row's own page."""
    return address_of(row, "change")


def press(client: Client, act: str, row: Model, **fields: object) -> Any:
    """Confirm the dialog of one act on a row's page."""
    answer = client.post(address_of(row, act), {"_form_submitted": "on", **fields})
    row.refresh_from_db()
    return answer


def decide(client: Client, row: Model, decision: str, sha256: str = "") -> Any:
    """Open the review page of a campaign or proposal and press one of its buttons."""
    address = address_of(row, "review")
    shown = client.get(address).context["sha256"]
    answer = client.post(address, {"decision": decision, "seen_sha256": sha256 or shown})
    row.refresh_from_db()
    return answer


def figures_seen(client: Client, act: str, row: Model) -> str:
    """The hidden field in which the dialog of an act carries the figures that it shows."""
    return str(client.get(address_of(row, act)).context["form"]["seen"].value())


def said(answer: Any) -> list[str]:
    """The messages shown to the user."""
    return [str(message) for message in get_messages(answer.wsgi_request)]


def fields_of(form: Form) -> dict[str, Any]:
    """What a browser sends of a form that was not changed."""
    sent: dict[str, Any] = {}
    for bound in form:
        widget: Any = bound.field.widget
        value = bound.value()
        if hasattr(widget, "widgets_names"):
            parts = widget.decompress(value)
            sent |= {
                bound.html_name + suffix: part
                for suffix, part in zip(widget.widgets_names, parts, strict=True)
            }
        elif value is not False and not (
            value is None and getattr(widget, "allow_multiple_selected", False)
        ):
            sent[bound.html_name] = value
    return {name: "" if value is None else value for name, value in sent.items()}


def opened(client: Client, row: Model) -> dict[str, Any]:
    """The page's form and those of its parts, filled in as they are shown."""
    context = client.get(page_of(row)).context
    sent = fields_of(context["adminform"].form)
    for part in context["inline_admin_formsets"]:
        sent |= fields_of(part.formset.management_form)
        for form in part.formset.initial_forms:
            sent |= fields_of(form)
    return sent


def with_row(form: dict[str, Any], prefix: str, **values: Any) -> dict[str, Any]:
    """The form with one more row in a part."""
    number = int(form.get(f"{prefix}-TOTAL_FORMS", 0))
    row = {f"{prefix}-{number}-{name}": value for name, value in values.items()}
    return {**form, f"{prefix}-TOTAL_FORMS": number + 1, **row}


def errors_of(answer: Any) -> str:
    """What the page says is wrong; it must not have been saved."""
    assert answer.status_code == 200
    context = answer.context
    return str(context["adminform"].form.errors) + str(context["errors"])


def saved(answer: Any) -> None:
    """The page has been saved."""
    assert answer.status_code == 302, errors_of(answer)
