"""Callers of the API and their keys; a key is shown once and kept as a hash."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from merchants.admin.base import NeverDeleted, ReadOnlyInline, said_once, sentence
from merchants.admin.forms import DAY_S, CredentialForm, RotationForm
from merchants.admin.labels import test_label
from merchants.errors import Refused
from merchants.models import Credential, CredentialKey, OwnNumber
from merchants.services.credentials import issue_credential, rotate_key
from merchants.services.edits import set_credential_state


class KeyInline(ReadOnlyInline):
    """Keys of a credential: their first characters, never the key."""

    model = CredentialKey
    fields = ["hint", "created_at", "expires_at", "revoked_at"]
    readonly_fields = fields


class OwnNumberInline(ReadOnlyInline):
    """What an integrator calls stores and tills; `manage.py map_numbers` brings them."""

    model = OwnNumber
    fields = ["store_no", "terminal_no", "store", "terminal"]
    readonly_fields = fields
    ordering = ["store_no", "terminal_no"]
    per_page = 20


@admin.register(Credential)
class CredentialAdmin(NeverDeleted):
    """Callers of the API."""

    nothing_yet = _(
        "No key yet. Issue one above the list; a till gets its own by an enrolment code"
        " of its store."
    )
    list_display = ["name", "kind", "terminal", "channel_code", "state_label", test_label]
    list_filter = ["kind", "state", "is_test"]
    list_select_related = ["terminal"]
    search_fields = ["name", "channel_code"]
    fields = [
        "name",
        "kind",
        "scopes",
        "merchants",
        "stores",
        "terminal",
        "channel_code",
        "state",
        "suspended_until_at",
        "is_test",
    ]
    raw_id_fields = ["terminal"]
    autocomplete_fields = ["merchants", "stores"]
    inlines = [KeyInline, OwnNumberInline]
    actions_list = ["issue"]
    actions_detail = ["rotate"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Who it is and what it may do is decided when it is issued."""
        return [name for name in self.fields if name != "state"]

    def save_model(self, request: HttpRequest, obj: Credential, form: Any, change: bool) -> None:
        set_credential_state(credential=obj, state=obj.state)

    def has_issue_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("merchants.add_credential")

    @action(
        description=_("Issue a credential"),
        icon="key",
        permissions=["issue"],
        dialog={
            "title": _("Issue a credential"),
            "description": _("The key is shown once, when you confirm."),
            "form_class": CredentialForm,
            "form_submit_text": _("Issue"),
        },
    )
    def issue(self, request: HttpRequest, form: CredentialForm) -> HttpResponse:
        given = form.cleaned_data
        merchant, terminal = given["merchant"], given["terminal_no"]
        try:
            credential, key_text = issue_credential(
                name=given["name"],
                kind=Credential.Kind(given["kind"]),
                scopes=given["scopes"],
                merchants=[merchant] if merchant else [],
                terminal=terminal,
                channel_code=given["channel_code"],
                is_test=given["is_test"],
                at=timezone.now(),
            )
        except Refused as refused:
            return said_once(sentence(refused.refusal))
        self.log_addition(request, credential, "issued")
        return said_once(_("Copy the key now; it is not shown again."), key_text)

    @action(
        description=_("New key"),
        icon="autorenew",
        permissions=["issue"],
        dialog={
            "title": _("New key"),
            "description": _("The key is shown once, when you confirm."),
            "form_class": RotationForm,
            "form_submit_text": _("New key"),
        },
    )
    def rotate(self, request: HttpRequest, form: RotationForm, object_id: str) -> HttpResponse:
        credential = get_object_or_404(Credential, pk=object_id)
        key_text = rotate_key(
            credential=credential,
            overlap_s=form.cleaned_data["overlap_days"] * DAY_S,
            at=timezone.now(),
        )
        self.log_change(request, credential, "rotated")
        return said_once(_("Copy the key now; it is not shown again."), key_text)
