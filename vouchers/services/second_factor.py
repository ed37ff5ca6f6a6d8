"""The second factor of a person who signs in: an authenticator app, and recovery codes beside it.

A person has one confirmed authenticator at most. Recovery codes are kept as keyed hashes; the
authenticator's key has to be kept as it is, since codes are computed from it. All acts on one
person's factor queue at the row of the person.
"""

import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_noop as _
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from merchants.errors import Refused
from vouchers.services.history import note
from vouchers.services.roles import require_permission, roles_of

SUPERUSER: Final = "superuser"
"""Stands for superusers in HUIMIN_SECOND_FACTOR_ROLES; the other names there are roles."""
RESET: Final = "auth.change_user"
CODE_COUNT: Final = 10
CODE_LENGTH: Final = 10
CODE_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that are easily misread; a code has 49 bits."""
KEPT_LENGTH: Final = 16  # of a code's hash, as long as the column is


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of checking a code.

    `device`: what the code belongs to, None if it is wrong. `retry_at`: until then codes are not
    looked at, after wrong ones. `recovery_codes`: new ones, shown once.
    """

    device: Device | None = None
    retry_at: datetime | None = None
    recovery_codes: tuple[str, ...] = ()


def is_required(user: User, *, at: datetime) -> bool:
    """Whether one of the roles that the person has at an instant does not permit signing in with a
    password alone."""
    roles = settings.HUIMIN_SECOND_FACTOR_ROLES
    if user.is_superuser and SUPERUSER in roles:
        return True
    return bool(roles) and not roles.isdisjoint(roles_of(user, at=at))


def is_set_up(user: User) -> bool:
    """Whether the person has an authenticator."""
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def is_asked_for(user: User, *, at: datetime) -> bool:
    """Whether the person's password alone is not enough."""
    return is_set_up(user) or is_required(user, at=at)


def recovery_codes_left(user: User) -> int:
    """How many recovery codes are unused."""
    return int(StaticToken.objects.filter(device__user=user).count())


def begin(*, user: User) -> TOTPDevice:
    """A new key for an authenticator; not in force before `confirm`, and in place of earlier ones
    that were never confirmed.
    """
    with transaction.atomic():
        _lock(user)
        TOTPDevice.objects.filter(user=user, confirmed=False).delete()
        return TOTPDevice.objects.create(user=user, confirmed=False, name="authenticator")


def begun(*, user: User, device_id: int) -> TOTPDevice | None:
    """The key that `begin` made, unless it has been confirmed or replaced since."""
    return TOTPDevice.objects.filter(pk=device_id, user=user, confirmed=False).first()


def confirm(*, user: User, device_id: int, code: str, at: datetime) -> Verdict:
    """Put an authenticator in force, in place of the one before, once it shows the right code."""
    with transaction.atomic():
        _lock(user)
        device = begun(user=user, device_id=device_id)
        if device is None:
            return Verdict()
        verdict = _tried(device, _normal(code))
        if verdict.device is None:
            return verdict
        TOTPDevice.objects.filter(user=user).exclude(pk=device.pk).delete()
        device.confirmed = True
        device.save(update_fields=["confirmed"])
        note(user, by=user, what=_("authenticator set up"), at=at)
        return Verdict(device=device, recovery_codes=_new_codes(user))


def verify(*, user: User, code: str) -> Verdict:
    """Check a code of the authenticator or a recovery code; each works once."""
    with transaction.atomic():
        _lock(user)
        return _checked(user, code)


def renew_recovery_codes(*, user: User, code: str, at: datetime) -> Verdict:
    """Replace the recovery codes, for a person who shows the right code."""
    with transaction.atomic():
        _lock(user)
        verdict = _checked(user, code)
        if verdict.device is None:
            return verdict
        note(user, by=user, what=_("recovery codes renewed"), at=at)
        return Verdict(device=verdict.device, recovery_codes=_new_codes(user))


def reset(*, user: User, by: User, reason: str, at: datetime) -> None:
    """Take a person's authenticator and recovery codes away, after the phone was lost.

    Where the person's role requires a second factor, the next sign-in sets up a new one. Refuses
    `not_permitted`, also to the person themselves.
    """
    require_permission(by, RESET, at=at)
    if by.pk == user.pk:
        raise Refused("not_permitted", "own_second_factor")
    with transaction.atomic():
        _lock(user)
        TOTPDevice.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()
        what = _("second factor reset")
        note(user, by=by, what=what, at=at, reason=reason)


def _lock(user: User) -> None:
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _checked(user: User, code: str) -> Verdict:
    code = _normal(code)
    device: Device | None
    if len(code) == CODE_LENGTH:
        device = StaticDevice.objects.filter(user=user).first()
        code = _kept(user, code)
    else:
        device = TOTPDevice.objects.filter(user=user, confirmed=True).first()
    return Verdict() if device is None else _tried(device, code)


def _tried(device: Device, code: str) -> Verdict:
    may_try, why = device.verify_is_allowed()
    if not may_try:
        return Verdict(retry_at=why["locked_until"])
    return Verdict(device=device if device.verify_token(code) else None)


def _normal(code: str) -> str:
    """The form in which codes are compared: half-width, lower case, without blanks and hyphens."""
    narrow = unicodedata.normalize("NFKC", code).lower()
    return "".join(letter for letter in narrow if letter.isalnum())


def _new_codes(user: User) -> tuple[str, ...]:
    # The device stays the same: sessions that one of its codes has verified stay so.
    device, _is_new = StaticDevice.objects.get_or_create(user=user, name="recovery codes")
    device.token_set.all().delete()
    codes = tuple(
        "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH)) for _ in range(CODE_COUNT)
    )
    StaticToken.objects.bulk_create(
        StaticToken(device=device, token=_kept(user, code)) for code in codes
    )
    return codes


def _kept(user: User, code: str) -> str:
    keyed = salted_hmac("huimin.recovery_code", f"{user.pk}|{code}", algorithm="sha256")
    return keyed.hexdigest()[:KEPT_LENGTH]
