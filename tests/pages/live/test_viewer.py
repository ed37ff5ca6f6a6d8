"""Who may watch the live screen, by page and by stream, and until when."""

from http import HTTPStatus

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.support import cast
from vouchers.models import Grant
from vouchers.pages.live.viewer import Viewer, viewer_of
from vouchers.queries.roles import CITY
from vouchers.services.roles import withdraw_role

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def stream_of(client: Client, **headers: str) -> Viewer | None:
    """The viewer that a stream of the client's browser would have."""
    session = client.cookies.get(settings.SESSION_COOKIE_NAME)
    cookie = f"{settings.SESSION_COOKIE_NAME}={session.value}" if session else ""
    named = {"cookie": cookie, "accept-language": "en", **headers}
    return viewer_of(
        {
            "type": "http",
            "method": "GET",
            "path": "/live/stream",
            "query_string": b"after=3.4",
            "headers": [
                (name.replace("_", "-").encode(), value.encode()) for name, value in named.items()
            ],
        }
    )


def test_an_auditor_watches_but_may_not_stop() -> None:
    client = signed_in(cast.member("shen", "auditor"))
    assert stream_of(client) == Viewer("en", CITY, "3.4")
    assert client.get(reverse("live")).status_code == HTTPStatus.OK
    stop = {"what": "campaign", "number": "spring-2026", "why": "because"}
    assert client.post(reverse("live"), stop).status_code == HTTPStatus.FORBIDDEN


def test_a_browser_that_comes_back_says_what_it_has() -> None:
    assert stream_of(signed_in(cast.mei()), last_event_id="7.8") == Viewer("en", CITY, "7.8")


def test_staff_without_a_role_does_not_watch() -> None:
    user = User.objects.create_user("new", is_staff=True)
    client = signed_in(user)
    assert stream_of(client) is None
    assert client.get(reverse("live")).status_code == HTTPStatus.FORBIDDEN
    assert client.get(reverse("live-board")).status_code == HTTPStatus.FORBIDDEN


def test_who_has_lost_the_role_or_signed_out_watches_no_longer() -> None:
    mei, shen = cast.mei(), cast.member("shen", "auditor")
    watching, leaving = signed_in(mei), signed_in(shen)
    cookie = leaving.cookies[settings.SESSION_COOKIE_NAME].value
    root = User.objects.create_superuser("root")
    held = Grant.objects.get(user=mei)
    withdraw_role(grant=held, reason="left", by=root, at=timezone.now())
    leaving.logout()
    leaving.cookies[settings.SESSION_COOKIE_NAME] = cookie
    assert stream_of(watching) is None
    assert stream_of(leaving) is None


def test_a_role_with_a_second_factor_has_to_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "HUIMIN_SECOND_FACTOR_ROLES", frozenset({"manager"}))
    assert stream_of(signed_in(cast.mei())) is None


def test_a_visitor_signs_in_first() -> None:
    assert stream_of(Client()) is None
    assert Client().get(reverse("live")).status_code == HTTPStatus.FOUND


def test_without_a_stream_the_page_polls_its_parts() -> None:
    client = signed_in(cast.mei())
    assert client.get(reverse("live-stream")).status_code == HTTPStatus.NOT_ACCEPTABLE
    parts = client.get(reverse("live-board")).json()
    assert 'data-part="money"' in parts["board"]
    assert parts["alerts"] == []
