"""The admin's site: a password, then the second factor of those who have or need one."""

from functools import partial
from typing import Any, Final

from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite

from vouchers.pages.signin.pending import remember_pending
from vouchers.services import second_factor


class SignIn(LoginView):
    """The first step. The user is signed in at once only if nothing more is asked for."""

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Sign in, or go on to the second step."""
        user = form.get_user()
        assert isinstance(user, User)
        if not second_factor.is_asked_for(user, at=timezone.now()):
            return super().form_valid(form)
        remember_pending(self.request, user, self.get_success_url())
        return redirect("admin:second_factor_code")


def is_verified(request: HttpRequest) -> bool:
    """Whether the session has shown a second factor; django-otp keeps it with the user."""
    return getattr(request.user, "otp_device", None) is not None


def _is_asked_for(request: HttpRequest, user: User) -> bool:
    """Whether the person has to show a second factor; found once for all that a page asks."""
    known: tuple[User, bool] | None = getattr(request, _ASKED_FOR, None)
    if known is None or known[0] is not user:
        known = (user, second_factor.is_asked_for(user, at=timezone.now()))
        setattr(request, _ASKED_FOR, known)
    return known[1]


_ASKED_FOR: Final = "_huimin_second_factor"
"""The attribute of a request that keeps it; another person may sign in within the request."""


class Site(UnfoldAdminSite):
    """Unfold's site with the second factor where it is required; its pages show what lies in the
    areas of a person's grants."""

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register a page, kept inside the areas of grants."""
        from vouchers.pages.signin.areas import in_area  # tables need the applications

        page = in_area(admin_class or ModelAdmin)
        super().register(model_or_iterable, page, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the session may see the site: staff, and verified if it has to be.

        Also a session from before the second factor was set up, or required, has to show it.
        """
        if not super().has_permission(request):
            return False
        assert isinstance(request.user, User)
        return is_verified(request) or not _is_asked_for(request, request.user)

    def get_app_list(self, request: HttpRequest, app_label: Any = None) -> Any:
        """Django's list of tables, drawn up only if a template shows it: the side bar is ours."""
        return SimpleLazyObject(partial(super().get_app_list, request, app_label))

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """The links of the side bar as they are made for the person. Unfold would copy them and
        ask again who may see each."""
        navigation = import_string(self._get_config("SIDEBAR")["navigation"])
        groups: list[dict[str, Any]] = navigation(request)
        return groups

    def extra_context(self, context: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
        """With the side bar's own template, in place of Unfold's two for every link."""
        return {**context, "templates": {"navigation": "vouchers/navigation.html"}}

    @method_decorator(never_cache)
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """The page of the first step."""
        start = reverse("admin:index", current_app=self.name)
        if request.method == "GET" and request.user.is_authenticated:
            if self.has_permission(request):
                return redirect(start)
            if super().has_permission(request):
                return self._second_step(request)
        context = {
            **self.each_context(request),
            "title": _("Log in"),
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": request.user.get_username(),
            **(extra_context or {}),
        }
        if REDIRECT_FIELD_NAME not in request.GET | request.POST:
            context[REDIRECT_FIELD_NAME] = start
        request.current_app = self.name
        return SignIn.as_view(
            extra_context=context,
            authentication_form=self.login_form,
            template_name="admin/login.html",
        )(request)

    def _second_step(self, request: HttpRequest) -> HttpResponse:
        """The second step, for a session by password alone of a person who has to show a second
        factor by now."""
        user, address = request.user, request.GET.get(REDIRECT_FIELD_NAME, "")
        assert isinstance(user, User)
        is_ours = url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()})
        logout(request)
        remember_pending(request, user, address if is_ours else reverse("admin:index"))
        return redirect("admin:second_factor_code")

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """The admin's addresses and those of the second factor."""
        from vouchers.pages.signin import views  # its forms need the applications

        return [
            path("second-factor/code/", never_cache(views.ask_code), name="second_factor_code"),
            path("second-factor/set-up/", never_cache(views.set_up), name="second_factor_set_up"),
            path("second-factor/", self.admin_view(views.overview), name="second_factor"),
            *super().get_urls(),
        ]
