"""Failed sign-ins run into limits, and the page says when to try again."""

from datetime import timedelta
from http import HTTPStatus

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

pytestmark = pytest.mark.django_db

PASSWORD = "卷云 over 外滩 in spring"
PER_NAME_AND_ADDRESS, PER_NAME, PER_ADDRESS = settings.SIGN_IN_LIMITS.values()


@pytest.fixture(autouse=True)
def _mei() -> None:
    User.objects.create_user("mei", password=PASSWORD, is_staff=True)


def attempt(
    username: str = "mei",
    password: str = "wrong",
    address: str = "192.0.2.1",
    language: str = "en",
    browser: str = "Chromium",
) -> HttpResponse:
    """One sign-in of a browser that has no session yet."""
    client = Client(REMOTE_ADDR=address, HTTP_USER_AGENT=browser)
    client.cookies.load({"django_language": language})
    answer = client.post(reverse("admin:login"), {"username": username, "password": password})
    assert isinstance(answer, HttpResponse)
    return answer


def failed_before(username: str, address: str, failures: int, minutes: int = 1) -> None:
    """Failures of some minutes ago."""
    row = AccessAttempt.objects.create(
        username=username,
        ip_address=address,
        user_agent=f"{minutes} minutes ago",
        failures_since_start=failures,
    )
    at = timezone.now() - timedelta(minutes=minutes)
    AccessAttempt.objects.filter(pk=row.pk).update(attempt_time=at)


def test_the_right_password_signs_in_after_some_wrong_ones() -> None:
    for _ in range(PER_NAME_AND_ADDRESS - 1):
        assert attempt().status_code == HTTPStatus.OK
    assert attempt(password=PASSWORD).status_code == HTTPStatus.FOUND


def test_the_limit_is_reached_by_the_last_failure_and_holds_for_the_right_password() -> None:
    for _ in range(PER_NAME_AND_ADDRESS - 1):
        attempt()
    assert attempt().status_code == HTTPStatus.TOO_MANY_REQUESTS
    answer = attempt(password=PASSWORD)
    assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert "sessionid" not in answer.cookies


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Sign-in is paused"), ("zh-hans", "登录已暂停")]
)
def test_the_page_says_when_to_try_again(language: str, words: str) -> None:
    failed_before("mei", "192.0.2.1", PER_NAME_AND_ADDRESS, minutes=5)
    answer = attempt(language=language)
    free_at = timezone.localtime(timezone.now() + timedelta(minutes=11))
    text = answer.content.decode()
    assert words in text
    assert f"{free_at:%H:%M}" in text
    assert 598 <= int(answer["Retry-After"]) <= 601


def test_attempts_during_the_pause_do_not_make_it_longer() -> None:
    failed_before("mei", "192.0.2.1", PER_NAME_AND_ADDRESS, minutes=14)
    assert int(attempt()["Retry-After"]) <= 61
    assert int(attempt()["Retry-After"]) <= 61


def test_the_pause_ends_with_the_failure_that_brings_the_count_below_the_limit() -> None:
    failed_before("mei", "192.0.2.1", PER_NAME_AND_ADDRESS - 1, minutes=10)
    failed_before("mei", "192.0.2.1", 1, minutes=2)
    assert 298 <= int(attempt()["Retry-After"]) <= 301


def test_the_pause_ends() -> None:
    failed_before("mei", "192.0.2.1", PER_NAME_AND_ADDRESS, minutes=16)
    assert attempt(password=PASSWORD).status_code == HTTPStatus.FOUND


def test_another_browser_at_the_address_is_paused_too() -> None:
    failed_before("mei", "192.0.2.1", PER_NAME_AND_ADDRESS)
    assert attempt(browser="curl").status_code == HTTPStatus.TOO_MANY_REQUESTS


def test_colleagues_behind_the_same_address_still_sign_in() -> None:
    User.objects.create_user("jun", password=PASSWORD, is_staff=True)
    failed_before("mei", "192.0.2.1", PER_NAME_AND_ADDRESS)
    assert attempt("jun", PASSWORD).status_code == HTTPStatus.FOUND


def test_the_holder_still_signs_in_elsewhere() -> None:
    failed_before("mei", "192.0.2.1", PER_NAME_AND_ADDRESS)
    assert attempt(password=PASSWORD, address="192.0.2.2").status_code == HTTPStatus.FOUND


def test_one_name_tried_from_many_addresses_is_paused_everywhere() -> None:
    for number in range(PER_NAME):
        failed_before("mei", f"198.51.100.{number}", 1)
    assert attempt(password=PASSWORD).status_code == HTTPStatus.TOO_MANY_REQUESTS


def test_an_address_that_tries_many_names_is_paused_for_all_and_a_sign_in_does_not_clear_it() -> (
    None
):
    for number in range(PER_ADDRESS - 1):
        failed_before(f"clerk {number}", "192.0.2.1", 1)
    assert attempt(password=PASSWORD).status_code == HTTPStatus.FOUND
    assert attempt("another").status_code == HTTPStatus.TOO_MANY_REQUESTS


def test_signing_in_forgets_ones_own_failures() -> None:
    failed_before("mei", "192.0.2.1", PER_NAME_AND_ADDRESS - 1)
    attempt(password=PASSWORD)
    assert attempt().status_code == HTTPStatus.OK


def test_a_name_that_does_not_exist_gets_the_same_answer() -> None:
    for name in ("mei", "nemo"):
        failed_before(name, "192.0.2.1", PER_NAME_AND_ADDRESS)
    assert attempt().content == attempt("nemo").content


def test_the_password_and_the_forms_token_are_not_kept() -> None:
    attempt(password="secret-by-mistake")
    row = AccessAttempt.objects.get()
    assert "secret-by-mistake" not in row.post_data


def test_a_name_longer_than_any_is_an_ordinary_failure() -> None:
    assert attempt("x" * 10_000).status_code == HTTPStatus.OK
