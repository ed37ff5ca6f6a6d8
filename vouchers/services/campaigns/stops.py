"""The red button on merchants and stores: no till of theirs redeems from the next request on.

A campaign is stopped by `services.campaigns.lifecycle.pause`.
"""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from merchants.models import Merchant, State, Store
from vouchers.services.campaigns.lifecycle import PAUSE
from vouchers.services.history import note
from vouchers.services.roles import require_permission


def stop_merchant(*, merchant: Merchant, why: str, by: User, at: datetime) -> bool:
    """Suspend a merchant, with all its stores; whether it was active. Refuses `not_permitted`."""
    return _stop(merchant, why=why, by=by, at=at)


def stop_store(*, store: Store, why: str, by: User, at: datetime) -> bool:
    """Suspend one store; whether it was active. Refuses `not_permitted`."""
    return _stop(store, why=why, by=by, at=at)


def _stop(row: Merchant | Store, *, why: str, by: User, at: datetime) -> bool:
    require_permission(by, PAUSE, at=at, on=row)
    with transaction.atomic():
        held = type(row)._default_manager.select_for_update(no_key=True).get(pk=row.pk)
        if held.state != State.ACTIVE:
            return False
        held.state = row.state = State.SUSPENDED
        held.save(update_fields=["state"])
        note(held, by=by, what=f"{State.SUSPENDED.value}: {why}", at=at)
    return True
