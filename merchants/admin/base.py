"""What the pages share: nothing is deleted, and refusals are shown as sentences."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib.auth import get_permission_codename
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline

from merchants.admin.labels import labelled, state_text
from merchants.admin.lists import KeysetLists
from merchants.errors import Refusal, Refused
from merchants.models import State
from merchants.services.districts import DISTRICT_REASONS

STATE_COLOURS = {
    State.ACTIVE.value: "success",
    State.SUSPENDED.value: "warning",
    State.CLOSED.value: "danger",
}
REFUSALS: Mapping[str, Any] = {
    **{code: _(reason) for code, reason in DISTRICT_REASONS.items()},
    "already_exists": _("The number {number} is taken."),
    "coordinates_invalid": _("There is no such place; are longitude and latitude swapped?"),
    "number_malformed": _("The number may hold only letters, digits and signs of ASCII."),
    "edit_invalid": _("This cannot be saved ({rule})."),
    "suspended_elsewhere": _(
        "It was suspended, or its suspension ended, since you opened the page. Load it again."
    ),
    "credential_incomplete": _("The credential is incomplete or contradicts itself ({rule})."),
}


def sentence(refusal: Refusal) -> str:
    """A refusal in the reader's language; that of its rule where there is one."""
    text = str(REFUSALS.get(refusal.rule) or REFUSALS.get(refusal.code, refusal.code))
    return text.format(rule=refusal.rule, **refusal.facts)


def said_once(text: Any, secret: str = "") -> HttpResponse:
    """Takes the place of a dialog's form, so that a secret is never stored to be shown later."""
    return HttpResponse(
        format_html(
            '<div id="dialog-form"><br><p>{}</p><p class="hm-hash">{}</p><br></div>', text, secret
        ),
        headers={"Cache-Control": "no-store"},
    )


class ReadOnly:
    """Nothing is added, changed or deleted in the admin."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyInline(ReadOnly, TabularInline):
    """Read-only rows of a parent; acts change them."""

    extra = 0
    tab = True
    hide_title = True


class RowActs:
    """The acts on a row's page."""

    get_object: Any

    def may(self, request: HttpRequest, permission: str, object_id: Any) -> bool:
        """Whether the person has a permission on the row of a page; without a row, for all of
        them.

        Unfold does not name the row to every act; the address does.
        """
        match = request.resolver_match
        key = object_id or (match and match.kwargs.get("object_id"))
        row = self.get_object(request, str(key)) if key else None
        return bool(request.user.has_perm(permission, row))

    def is_offered(self, act: str, row: Any) -> bool:
        """Whether the row's state leaves an act something to do. Its service decides whether it is
        allowed."""
        return True

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Unfold's buttons of the page that are offered for its row."""
        page: Any = super()
        buttons = page.get_actions_detail(request, object_id)
        row = self.get_object(request, str(object_id)) if buttons else None
        return [it for it in buttons if row is not None and self.is_offered(it.path, row)]


class RefusableAdmin(RowActs, KeysetLists, ModelAdmin):
    """A page whose services may refuse what was sent: the form is shown again, as it was sent, with
    the refusal beside the field that `refusal_fields` names for its rule, else above the form."""

    refusal_fields: ClassVar[Mapping[str, str]] = {}

    def refusal_text(self, refusal: Refusal) -> str:
        """The refusal in the reader's language."""
        return sentence(refusal)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The row itself counts: roles are given for areas."""
        codename = get_permission_codename("change", self.opts)
        return bool(request.user.has_perm(f"{self.opts.app_label}.{codename}", obj))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: Any = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> Any:
        """Django saves in a transaction, which a refusal has rolled back before the second pass."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refused as refused:
            setattr(request, REFUSAL, refused.refusal)
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any
    ) -> Any:
        """The form; after a refusal one that is not valid for this reason."""
        form = super().get_form(request, obj, change=change, **options)
        refusal = getattr(request, REFUSAL, None)
        if refusal is None:
            return form
        field = self.refusal_fields.get(refusal.rule)
        error = {"refused_field": field, "refused_text": self.refusal_text(refusal)}
        return type(form.__name__, (RefusedForm, form), error)


REFUSAL = "huimin_refusal"
"""The attribute of a request in which a refusal waits for the form's second pass."""


class RefusedForm:
    """A form that a service has refused."""

    refused_field: str | None
    refused_text: str

    def clean(self) -> Any:
        """Adds the refusal to the form's own errors."""
        form: Any = self
        cleaned = super().clean()  # type: ignore[misc]
        field = self.refused_field if self.refused_field in form.fields else None
        form.add_error(field, self.refused_text)
        return cleaned


class NeverDeleted(RefusableAdmin):
    """What money has been owed to stays on record; it is closed instead."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @labelled(_("state"), STATE_COLOURS, ordering="state")
    def state_label(self, row: Any) -> tuple[str, Any]:
        return row.state, state_text(row)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any
    ) -> Any:
        """The form closes a row and opens it again; suspending has a reason and buttons."""
        form = super().get_form(request, obj, change=change, **options)
        field = form.base_fields.get("state")
        if obj is not None and field is not None:
            offered = {obj.state, State.CLOSED.value}
            if obj.state != State.SUSPENDED:
                offered.add(State.ACTIVE.value)
            field.choices = [choice for choice in field.choices if choice[0] in offered]
        return form
