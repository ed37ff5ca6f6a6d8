"""A text longer than its column is said beside its field, in every dialog of the admin; the longest
that a dialog takes is stored or refused in words.

The dialogs are taken from the admin's own list. One that is added is tried without being named.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from unfold.forms import BaseDialogForm

from tests.admin.conftest import signed_in
from tests.support import cast
from vouchers.admin.limits.case_forms import ACTS
from vouchers.models import Campaign, Case
from vouchers.queries.limits.cases import case_file

pytestmark = pytest.mark.django_db

UNBOUNDED = 5_000
"""Characters for a field that names no bound."""
LOOKED_UP = {"kept": "bob", "proxy": "bob", "run": "", "terminal_no": "", "username": "mei"}
"""What names a row on file, by field: any other text or number would get no further."""
Dialog = tuple[str, Callable[[dict[str, Any] | None], forms.BaseForm]]
"""Its address, and what makes its form of what was sent."""


@pytest.fixture
def root(standing_town: Campaign) -> Client:
    return signed_in(User.objects.create_superuser("root"))


def dialogs(town: Campaign) -> Iterator[Dialog]:
    """Every dialog with a text, about the first row of its page; of a campaign also while it is a
    draft. Those are left out in which there is nothing to choose."""
    request = RequestFactory().get("/")
    request.user = User.objects.get(username="root")
    draft = cast.spring_campaign(code="draft")
    pages: dict[Any, Any] = dict(admin.site._registry)
    for model, page in pages.items():
        rows = {town.pk, draft.pk} if model is Campaign else {model._default_manager.first().pk}
        acts: list[tuple[Any, list[int]]] = [(act, []) for act in page._get_base_actions_list()]
        acts += [(act, [key]) for act in page._get_base_actions_detail() for key in sorted(rows)]
        for act, key in acts:
            if act.dialog:
                path = reverse(f"admin:{act.action_name}", args=key)
                made = partial(act.dialog["form_class"], request, key[0] if key else None)
                if _has_text(made(None)):
                    yield path, made


def shown(answer: Any) -> forms.BaseForm | None:
    """The dialog that a page is."""
    found = answer.context["form"] if answer.context and "form" in answer.context else None
    return found if isinstance(found, BaseDialogForm) else None


def _has_text(form: forms.BaseForm) -> bool:
    """And whatever has to be chosen can be."""
    fields = form.fields.values()
    chosen = [field for field in fields if isinstance(field, forms.ChoiceField) and field.required]
    return any(map(_is_text, fields)) and all(_first(field) for field in chosen)


def _first(field: Any) -> str:
    """The first choice that is one."""
    return next((str(key) for key, _label in field.choices if str(key)), "")


def bounded(form: forms.BaseForm) -> set[str]:
    """Fields whose text has a bound and is not looked up."""
    return {
        name
        for name, field in form.fields.items()
        if name not in LOOKED_UP and _is_text(field) and getattr(field, "max_length", None)
    }


def _is_text(field: forms.Field) -> bool:
    return type(field) is forms.CharField


def filled(form: forms.BaseForm, *, beyond: int = 0) -> dict[str, Any]:
    """What a browser sends when each choice is the first, and each text as long as it may be, or
    longer."""
    sent: dict[str, Any] = {"_form_submitted": "on"}
    for days, bound in enumerate(form, start=1):
        field: Any = bound.field
        name = bound.html_name
        if bound.name in LOOKED_UP:
            sent[name] = LOOKED_UP[bound.name]
        elif _is_text(field):
            sent[name] = "长" * ((field.max_length or UNBOUNDED) + beyond)
        else:
            sent |= _plain(field, name, bound.value(), timezone.localtime() + days * cast.DAY)
    return sent


def _plain(field: Any, name: str, value: Any, ahead: datetime) -> dict[str, Any]:
    """A value that the field takes; an instant is later than those of the fields before."""
    if isinstance(field, forms.MultipleChoiceField | forms.ModelMultipleChoiceField):
        return {name: [_first(field)] if _first(field) else []}
    if isinstance(field, forms.ChoiceField):
        return {name: _first(field)}
    if isinstance(field, forms.SplitDateTimeField):
        return {f"{name}_0": f"{ahead:%Y-%m-%d}", f"{name}_1": f"{ahead:%H:%M}"}
    is_number = isinstance(field, forms.IntegerField | forms.DecimalField)
    if is_number and field.required and value is None:
        least: Any = field.min_value
        return {name: max(1, least or 1)}
    if isinstance(field, forms.DateTimeField):
        return {name: f"{ahead:%Y-%m-%dT%H:%M}"} if field.required else {}
    if isinstance(field, forms.SlugField):
        return {name: "x" * (field.max_length or UNBOUNDED)}
    return {name: "on" if isinstance(field, forms.BooleanField) else value or ""}


def sent(root: Client, path: str, data: dict[str, Any]) -> Any:
    """The answer, of which nothing is kept. An error of the server is raised."""
    with transaction.atomic():
        answer = root.post(path, data)
        transaction.set_rollback(True)
    return answer


def test_the_longest_text_fits_and_a_longer_one_is_said_beside_its_field(
    root: Client, standing_town: Campaign
) -> None:
    stopped, tried = {}, 0
    for path, made in dialogs(standing_town):
        again = shown(sent(root, path, filled(made(None))))
        # What the service refuses stands above the form, or is a message of the next page.
        if again is not None and again.errors.keys() != {"__all__"}:
            stopped[path] = again.errors
        assert bounded(made(None)) <= made(filled(made(None), beyond=1)).errors.keys(), path
        tried += 1
    assert stopped == {}
    assert tried > 40


@pytest.mark.parametrize("act", ACTS)
def test_so_on_the_page_of_a_case(root: Client, act: str) -> None:
    case = Case.objects.get()
    made = partial(ACTS[act].form, case=case, file=case_file(case, at=timezone.now()))
    seen = {"seen_acts": case.act_count, "seen_signals": case.signal_count, "act": act}
    path = reverse("admin:vouchers_case_change", args=[case.pk])
    answer = sent(root, path, filled(made(None)) | seen)
    assert answer.status_code == (200 if act == "hold" else 302), "all is held already"
    assert bounded(made(None)) <= made(filled(made(None), beyond=1)).errors.keys()
