"""Change what is on file about merchants, stores and credentials, as the admin does it.

What identifies them (code, number, owner, scopes) is given once and is not changed here.
"""

from typing import Any, Final

from django.db import DataError, transaction
from django.db.models import Model

from merchants.errors import Refused
from merchants.models import Credential, District, EnrolmentCode, Merchant, State, Store
from merchants.services.street_places import hold_boundaries, street_of_store

_STATES: Final = frozenset(State.values)


def edit_merchant(*, merchant: Merchant, name: str, credit_code: str, state: str) -> None:
    """A merchant's name, credit code and state. Refused `edit_invalid`."""
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
    """A store's name, brand, category, stated district and state. Refused `edit_invalid`.

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
    """Let a caller act, suspend or close it. Refused `edit_invalid`.

    A till that is suspended or closed loses its unused enrolment code.
    """
    with transaction.atomic():
        # The code first: an enrolment, too, locks it before the credential.
        if credential.terminal_id is not None and state != State.ACTIVE:
            EnrolmentCode.objects.filter(
                terminal_id=credential.terminal_id, is_test=credential.is_test, used_at=None
            ).delete()
        _edit(credential, state=state)


def _edit(row: Model, **values: Any) -> None:
    """Only the named columns are written, so that another edit of the rest is not undone."""
    if values["state"] not in _STATES:
        raise Refused("edit_invalid", "state_known", state=str(values["state"]))
    for name, value in values.items():
        setattr(row, name, value)
    try:
        with transaction.atomic():
            row.save(update_fields=list(values))
    except DataError as error:
        raise Refused("edit_invalid", "text_too_long") from error
