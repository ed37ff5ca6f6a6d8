"""Change what is on file about merchants, stores and credentials, as the admin does it.

What identifies them (code, number, owner, scopes) is given once and is not changed here. Nor is
anything suspended here or released: that has a reason, and a service that keeps it. A page that was
opened before a suspension must not undo it when it is saved.
"""

from typing import Any, Final

from django.db import DataError, transaction

from merchants.errors import Refused
from merchants.models import Credential, District, EnrolmentCode, Merchant, State, Store, Terminal
from merchants.services.street_places import hold_boundaries, street_of_store

_STATES: Final = frozenset(State.values)


def edit_merchant(*, merchant: Merchant, name: str, credit_code: str, state: str) -> None:
    """A merchant's name and credit code, and whether it is closed. Refused `edit_invalid`."""
    _edit(merchant, name=name, credit_code=credit_code, state=state)


@transaction.atomic
def edit_store(
    *,
    store: Store,
    name: str,
    brand: str,
    category: str,
    district: District | None,
    state: str,
) -> None:
    """A store's name, brand, category and stated district, and whether it is closed. Refused
    `edit_invalid`.

    Its street is worked out again, since it is one of the stated district.
    """
    hold_boundaries()
    street = street_of_store(store, None if district is None else district.pk)
    _edit(
        store,
        name=name,
        brand=brand,
        category=category,
        district=district,
        street_id=street,
        state=state,
    )


def set_credential_state(*, credential: Credential, state: str) -> None:
    """Let a caller act, or close it. Refused `edit_invalid`.

    A till that is closed loses its unused enrolment code.
    """
    with transaction.atomic():
        if state != State.ACTIVE:
            void_code(credential)
        _edit(credential, state=state)


def void_code(credential: Credential) -> None:
    """Delete a till's unused enrolment code; before the credential is locked, as an enrolment locks
    the code first."""
    if credential.terminal_id is not None:
        EnrolmentCode.objects.filter(
            terminal_id=credential.terminal_id, is_test=credential.is_test, used_at=None
        ).delete()


def void_codes(terminal: Terminal) -> None:
    """Delete a till's unused enrolment codes; after the till is locked, as for making one."""
    EnrolmentCode.objects.filter(terminal=terminal, used_at=None).delete()


def _edit(row: Merchant | Store | Credential, **values: Any) -> None:
    """Only the named columns are written, so that another edit of the rest is not undone."""
    state = values["state"]
    if state not in _STATES:
        raise Refused("edit_invalid", "state_known", state=str(state))
    if state == State.CLOSED:
        values["suspended_until_at"] = None
    try:
        with transaction.atomic():
            held = type(row)._default_manager.select_for_update(no_key=True).get(pk=row.pk)
            if state not in {held.state, State.CLOSED} and State.SUSPENDED in {held.state, state}:
                raise Refused("edit_invalid", "suspended_elsewhere", state=held.state)
            for name, value in values.items():
                setattr(row, name, value)
            row.save(update_fields=list(values))
    except DataError as error:
        raise Refused("edit_invalid", "text_too_long") from error
