"""What an officer puts on record for a resident, as given on paper or by telephone.

Each asks for the officer's right, does what the resident's own channel does, and writes a line of
the resident's history.
"""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_noop as _

from vouchers.models import Consent, Proxy, Resident
from vouchers.services.history import note
from vouchers.services.residents import acts
from vouchers.services.residents.standing import CHANGE
from vouchers.services.roles import require_permission


@transaction.atomic
def record_consent(
    *, resident: Resident, text_version: str, purpose: Consent.Purpose, by: User, at: datetime
) -> Consent:
    """Consent to a version of the text. Refuses `not_permitted`, `resident_not_active`."""
    require_permission(by, CHANGE, at=at, on=resident)
    consent = acts.give_consent(
        resident=resident, text_version=text_version, purpose=purpose, at=at
    )
    what = _("consent to %(purpose)s given, text %(text_version)s")
    note(resident, by=by, what=what, at=at, purpose=purpose, text_version=text_version)
    return consent


@transaction.atomic
def record_withdrawal(
    *, resident: Resident, purpose: Consent.Purpose, by: User, at: datetime
) -> bool:
    """The end of a consent; False, and no line of history, if there is none. Refuses
    `not_permitted`."""
    require_permission(by, CHANGE, at=at, on=resident)
    is_ended = acts.withdraw_consent(resident=resident, purpose=purpose, at=at)
    if is_ended:
        note(resident, by=by, what=_("consent to %(purpose)s withdrawn"), at=at, purpose=purpose)
    return is_ended


@transaction.atomic
def record_proxy(
    *, holder: Resident, proxy: Resident, relation: str, by: User, at: datetime
) -> Proxy:
    """A proxy of the holder. Refuses `not_permitted`, and as `declare_proxy`."""
    require_permission(by, CHANGE, at=at, on=holder)
    declared = acts.declare_proxy(holder=holder, proxy=proxy, relation=relation, at=at)
    what = _("resident %(resident)s declared as proxy")
    note(holder, by=by, what=what, at=at, resident=proxy.external_id)
    return declared


@transaction.atomic
def record_proxy_ended(*, proxy: Proxy, by: User, at: datetime) -> bool:
    """The end of a declaration; False, and no line of history, if it had ended before. Refuses
    `not_permitted`."""
    require_permission(by, CHANGE, at=at, on=proxy)
    is_ended = acts.end_proxy(proxy=proxy, at=at)
    if is_ended:
        what = _("resident %(resident)s no longer a proxy")
        note(proxy.holder, by=by, what=what, at=at, resident=proxy.proxy.external_id)
    return is_ended
