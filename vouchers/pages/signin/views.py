"""The second step of signing in, and a person's own page of the second factor."""

from base64 import b32encode
from datetime import datetime, timedelta
from typing import Any, Final

import segno
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_otp import login as verify_session
from django_otp.plugins.otp_totp.models import TOTPDevice

from vouchers.pages.signin.forms import AuthenticatorCodeForm, CodeForm
from vouchers.pages.signin.pending import complete_sign_in, pending_user
from vouchers.pages.signin.throttle import is_locked_out, locked_out
from vouchers.services import second_factor
from vouchers.services.second_factor import Verdict

PENDING: Final = "second_factor_pending"
MAY_REPLACE_UNTIL: Final = "second_factor_may_replace_until"
REPLACING_LASTS: Final = timedelta(minutes=10)


def ask_code(request: HttpRequest) -> HttpResponse:
    """The second step for those who have an authenticator."""
    user = pending_user(request)
    if user is None:
        return redirect("admin:login")
    if not second_factor.is_set_up(user):
        return redirect("admin:second_factor_set_up")
    if is_locked_out(request, user.get_username()):
        return locked_out(request)
    form = CodeForm(request.POST or None)
    if form.is_valid():
        verdict = second_factor.verify(user=user, code=form.cleaned_data["code"])
        if verdict.device:
            return redirect(complete_sign_in(request, user, verdict.device))
        _say_why(request, form, user, verdict)
    return _page(request, "code", _("Second step"), form=form, person=user)


def set_up(request: HttpRequest) -> HttpResponse:
    """Set up an authenticator: while signing in where it is required, or from the page of the
    second factor."""
    signing_in = pending_user(request)
    user = signing_in or (request.user if admin.site.has_permission(request) else None)
    if not isinstance(user, User):
        return redirect("admin:login")
    if second_factor.is_set_up(user) and not _may_replace(request):
        return redirect("admin:second_factor_code" if signing_in else "admin:second_factor")
    if is_locked_out(request, user.get_username()):
        return locked_out(request)
    device = _pending(request, user)
    form = AuthenticatorCodeForm(request.POST or None)
    if form.is_valid():
        code = form.cleaned_data["code"]
        verdict = second_factor.confirm(
            user=user, device_id=device.pk, code=code, at=timezone.now()
        )
        if verdict.device:
            return _set_up(request, user, verdict, is_signing_in=signing_in is not None)
        _say_why(request, form, user, verdict)
    return _page(
        request,
        "set_up",
        _("Set up the second factor"),
        form=form,
        person=user,
        picture=_picture(device),
        secret=_secret(device),
    )


def overview(request: HttpRequest) -> HttpResponse:
    """The person's own second factor: new recovery codes, another phone."""
    user = request.user
    assert isinstance(user, User)
    form = CodeForm(request.POST or None)
    if form.is_valid():
        if is_locked_out(request, user.get_username()):
            return locked_out(request)
        code, is_renewal = form.cleaned_data["code"], "renew" in request.POST
        if is_renewal:
            verdict = second_factor.renew_recovery_codes(user=user, code=code, at=timezone.now())
        else:
            verdict = second_factor.verify(user=user, code=code)
        if verdict.device and is_renewal:
            return _codes(request, verdict)
        if verdict.device:
            until = timezone.now() + REPLACING_LASTS
            request.session[MAY_REPLACE_UNTIL] = until.isoformat()
            return redirect("admin:second_factor_set_up")
        _say_why(request, form, user, verdict)
    context = {
        **admin.site.each_context(request),
        "title": _("Second factor"),
        "form": form,
        "is_set_up": second_factor.is_set_up(user),
        "codes_left": second_factor.recovery_codes_left(user),
    }
    return render(request, "vouchers/signin/overview.html", context)


def _set_up(
    request: HttpRequest, user: User, verdict: Verdict, *, is_signing_in: bool
) -> HttpResponse:
    assert verdict.device is not None
    for name in (PENDING, MAY_REPLACE_UNTIL):
        request.session.pop(name, None)
    if is_signing_in:
        return _codes(request, verdict, next_url=complete_sign_in(request, user, verdict.device))
    verify_session(request, verdict.device)
    return _codes(request, verdict)


def _codes(request: HttpRequest, verdict: Verdict, next_url: str = "") -> HttpResponse:
    """The only time that recovery codes are shown; nothing keeps them."""
    codes = [f"{code[:5]}-{code[5:]}" for code in verdict.recovery_codes]
    return _page(
        request,
        "recovery_codes",
        _("Your recovery codes"),
        codes=codes,
        next_url=next_url or reverse("admin:second_factor"),
    )


def _say_why(request: HttpRequest, form: CodeForm, user: User, verdict: Verdict) -> None:
    """Say what is wrong with a code; a wrong one counts as a failed sign-in."""
    if verdict.retry_at:
        wait_s = max(1, round((verdict.retry_at - timezone.now()).total_seconds()))
        text = ngettext(
            "After wrong codes you have to wait: try again in %(seconds)d second.",
            "After wrong codes you have to wait: try again in %(seconds)d seconds.",
            wait_s,
        )
        form.add_error("code", text % {"seconds": wait_s})
        return
    form.add_error("code", _("This code is wrong or used already. Take the one shown now."))
    user_login_failed.send(
        sender=__name__, credentials={"username": user.get_username()}, request=request
    )


def _may_replace(request: HttpRequest) -> bool:
    until = request.session.get(MAY_REPLACE_UNTIL)
    return until is not None and timezone.now() < datetime.fromisoformat(until)


def _pending(request: HttpRequest, user: User) -> TOTPDevice:
    """The key this browser is shown: the same until it is confirmed or shown elsewhere."""
    known = request.session.get(PENDING)
    device = second_factor.begun(user=user, device_id=known) if known else None
    if device is None:
        device = second_factor.begin(user=user)
        request.session[PENDING] = device.pk
    return device


def _picture(device: TOTPDevice) -> SafeString:
    """The key as a QR code: SVG made of numbers alone."""
    code = segno.make(device.config_url, error="m", micro=False)
    return SafeString(code.svg_inline(scale=5, border=4, dark="#000", light="#fff"))


def _secret(device: TOTPDevice) -> str:
    """The key to type, in groups of four."""
    key = b32encode(device.bin_key).decode()
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))


def _page(request: HttpRequest, name: str, title: str, **context: Any) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": title, **context}
    return render(request, f"vouchers/signin/{name}.html", context)
