"""Pending sign-ins: the password was right, the second factor is still to come.

The session is not yet the user's: for ten minutes it only remembers who may go on. Code that asks
for a signed-in user therefore never gets one by password alone.
"""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django_otp.models import Device

KEY: Final = "pending_sign_in"
LASTS: Final = timedelta(minutes=10)


def remember_pending(request: HttpRequest, user: User, next_url: str) -> None:
    """Begin a pending sign-in of this session; `next_url` must be one of ours."""
    request.session.cycle_key()
    request.session[KEY] = {
        "user": user.pk,
        "hash": user.get_session_auth_hash(),
        "backend": getattr(user, "backend", settings.AUTHENTICATION_BACKENDS[-1]),
        "until": (timezone.now() + LASTS).isoformat(),
        "next": next_url,
    }


def pending_user(request: HttpRequest) -> User | None:
    """The user of a pending sign-in that is in time; active, and with an unchanged password."""
    kept = request.session.get(KEY)
    if kept is None or timezone.now() >= datetime.fromisoformat(kept["until"]):
        return None
    user = User.objects.filter(pk=kept["user"], is_active=True).first()
    if user is None or not constant_time_compare(kept["hash"], user.get_session_auth_hash()):
        return None
    return user


def complete_sign_in(request: HttpRequest, user: User, device: Device) -> str:
    """Sign the user in, verified by a device; returns where to go next."""
    kept = request.session.pop(KEY)
    user.otp_device = device  # type: ignore[attr-defined]  # django-otp puts it into the session
    login(request, user, backend=kept["backend"])
    return str(kept["next"])
