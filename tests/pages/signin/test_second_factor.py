"""The second step of signing in, and one's own page."""

import time
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.support import cast
from vouchers.pages.signin.pending import KEY
from vouchers.services import second_factor

pytestmark = pytest.mark.django_db

STEP_S = 30
PASSWORD = "卷云 over 外滩 in spring"
INDEX, CODE, SET_UP, OWN_PAGE = (
    reverse(f"admin:{name}")
    for name in ("index", "second_factor_code", "second_factor_set_up", "second_factor")
)


@pytest.fixture
def mei() -> User:
    user = cast.member("mei", "approver")
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def required(settings: Any) -> None:
    settings.HUIMIN_SECOND_FACTOR_ROLES = frozenset({"approver"})


@pytest.fixture
def browser() -> Client:
    client = Client()
    client.cookies.load({"django_language": "en"})
    return client


def shown_by(device: TOTPDevice, steps: int = 0) -> str:
    """What the app shows; every code works once, so `steps` of 30 s ahead for another. At the end
    of a step it waits for the next, lest the code of the last one grow too old on its way."""
    left_s = STEP_S - time.time() % STEP_S
    if left_s < 1:
        time.sleep(left_s)
    totp = TOTP(device.bin_key)
    totp.time = time.time() + STEP_S * steps
    return f"{totp.token():06d}"


def phone(user: User) -> tuple[TOTPDevice, tuple[str, ...]]:
    """An authenticator in force, and its recovery codes. The code of the last step is used up."""
    device = second_factor.begin(user=user)
    done = second_factor.confirm(
        user=user, device_id=device.pk, code=shown_by(device, -1), at=timezone.now()
    )
    assert done.device
    return device, done.recovery_codes


def password(client: Client, next_url: str = INDEX) -> str:
    """The first step; returns where it leads."""
    form = {"username": "mei", "password": PASSWORD, "next": next_url}
    return client.post(reverse("admin:login"), form)["Location"]


def is_in(client: Client) -> bool:
    return client.get(INDEX).status_code == HTTPStatus.OK


def test_without_the_requirement_a_password_is_enough(mei: User, browser: Client) -> None:
    assert password(browser) == INDEX
    assert is_in(browser)


def test_who_has_an_authenticator_is_asked_for_its_code(mei: User, browser: Client) -> None:
    device, _ = phone(mei)
    wanted = reverse("admin:vouchers_campaign_changelist")
    assert password(browser, wanted) == CODE
    assert not is_in(browser)
    password(browser, wanted)
    assert browser.post(CODE, {"code": shown_by(device)})["Location"] == wanted
    assert is_in(browser)


def test_the_session_is_anonymous_until_the_second_factor(mei: User, browser: Client) -> None:
    phone(mei)
    password(browser)
    assert "_auth_user_id" not in browser.session


def test_a_code_signs_in_once(mei: User, browser: Client) -> None:
    device, _ = phone(mei)
    code = shown_by(device)
    password(browser)
    browser.post(CODE, {"code": code})
    other = Client()
    password(other)
    assert other.post(CODE, {"code": code}).status_code == HTTPStatus.OK
    assert not is_in(other)


@pytest.mark.parametrize("written", ["{} {}", " {}{} ", "{}-{}"])
def test_a_code_may_be_typed_in_groups(mei: User, browser: Client, written: str) -> None:
    device, _ = phone(mei)
    code = shown_by(device)
    password(browser)
    browser.post(CODE, {"code": written.format(code[:3], code[3:])})
    assert is_in(browser)


def test_a_recovery_code_signs_in_once(mei: User, browser: Client) -> None:
    _, codes = phone(mei)
    for number, expected in [(0, True), (0, False)]:
        client = Client()
        password(client)
        client.post(CODE, {"code": codes[number].upper()})
        assert is_in(client) is expected
    assert second_factor.recovery_codes_left(mei) == len(codes) - 1


def test_recovery_codes_are_kept_as_hashes(mei: User) -> None:
    _, codes = phone(mei)
    kept = set(StaticToken.objects.values_list("token", flat=True))
    assert len(kept) == len(set(codes)) == second_factor.CODE_COUNT
    assert kept.isdisjoint(codes)


def test_another_persons_codes_are_wrong(mei: User, browser: Client) -> None:
    phone(mei)
    other, codes = phone(cast.member("jun", "approver"))
    for code in (shown_by(other), codes[0]):
        password(browser)
        assert browser.post(CODE, {"code": code}).status_code == HTTPStatus.OK
        assert not is_in(browser)


def test_wrong_codes_make_one_wait(mei: User, browser: Client) -> None:
    device, _ = phone(mei)
    password(browser)
    assert b"wrong or used" in browser.post(CODE, {"code": "000000"}).content
    answer = browser.post(CODE, {"code": shown_by(device)})
    assert b"try again in 1 second." in answer.content
    assert "_auth_user_id" not in browser.session


def test_wrong_codes_count_as_failed_sign_ins(mei: User, browser: Client) -> None:
    device, _ = phone(mei)
    password(browser)
    earlier = timezone.now() - timedelta(hours=1)
    statuses = []
    for _ in range(6):
        statuses.append(browser.post(CODE, {"code": "wrong"}).status_code)
        TOTPDevice.objects.update(throttling_failure_timestamp=earlier)
    assert statuses == [HTTPStatus.OK] * 4 + [HTTPStatus.TOO_MANY_REQUESTS] * 2
    assert browser.post(CODE, {"code": shown_by(device)}).status_code == 429
    assert browser.get(CODE).status_code == HTTPStatus.TOO_MANY_REQUESTS


def test_ten_minutes_after_the_password_it_is_asked_for_again(mei: User, browser: Client) -> None:
    device, _ = phone(mei)
    password(browser)
    session = browser.session
    session[KEY] = {**session[KEY], "until": timezone.now().isoformat()}
    session.save()
    answer = browser.post(CODE, {"code": shown_by(device)})
    assert answer["Location"] == reverse("admin:login")


@pytest.mark.parametrize("change", ["password", "inactive"])
def test_who_may_not_sign_in_any_more_stops_half_way(
    mei: User, browser: Client, change: str
) -> None:
    device, _ = phone(mei)
    password(browser)
    if change == "password":
        mei.set_password("another one, longer")
    mei.is_active = change != "inactive"
    mei.save()
    answer = browser.post(CODE, {"code": shown_by(device)})
    assert answer["Location"] == reverse("admin:login")


def test_the_second_step_has_no_door_of_its_own(mei: User, browser: Client) -> None:
    for address in (CODE, SET_UP):
        assert browser.get(address)["Location"] == reverse("admin:login")


def test_an_address_elsewhere_is_not_where_signing_in_leads(mei: User, browser: Client) -> None:
    device, _ = phone(mei)
    password(browser, "https://elsewhere.example/")
    assert browser.post(CODE, {"code": shown_by(device)})["Location"] == INDEX


@pytest.mark.usefixtures("required")
def test_where_it_is_required_the_first_sign_in_sets_it_up(mei: User, browser: Client) -> None:
    assert password(browser) == CODE
    assert browser.get(CODE)["Location"] == SET_UP
    page = browser.get(SET_UP).content.decode()
    device = TOTPDevice.objects.get()
    assert "<svg" in page
    answer = browser.post(SET_UP, {"code": shown_by(device)})
    shown = answer.content.decode()
    assert shown.count("<li") >= second_factor.CODE_COUNT
    assert f'href="{INDEX}"' in shown
    assert is_in(browser)
    assert mei.pk == TOTPDevice.objects.get(confirmed=True).user_id


@pytest.mark.usefixtures("required")
def test_a_wrong_code_sets_nothing_up_and_shows_the_same_key(mei: User, browser: Client) -> None:
    password(browser)
    browser.get(SET_UP)
    key = TOTPDevice.objects.get().key
    browser.post(SET_UP, {"code": "000000"})
    assert not second_factor.is_set_up(mei)
    assert TOTPDevice.objects.get().key == key


@pytest.mark.usefixtures("required")
def test_another_sign_in_is_shown_another_key(mei: User, browser: Client) -> None:
    keys = []
    for client in (browser, Client()):
        password(client)
        client.get(SET_UP)
        keys.append(TOTPDevice.objects.get().key)
    assert len(set(keys)) == 2


@pytest.mark.usefixtures("required")
def test_a_session_from_before_the_requirement_has_to_show_it(mei: User, browser: Client) -> None:
    browser.force_login(mei)
    to_login = browser.get(reverse("admin:vouchers_campaign_changelist"))
    assert browser.get(to_login["Location"])["Location"] == CODE
    assert "_auth_user_id" not in browser.session


@pytest.mark.usefixtures("required")
def test_other_roles_sign_in_by_password(browser: Client) -> None:
    browser.force_login(cast.member("gang", "manager"))
    assert is_in(browser)


def test_superusers_are_meant_by_a_name_of_their_own(settings: Any, browser: Client) -> None:
    settings.HUIMIN_SECOND_FACTOR_ROLES = frozenset({"superuser"})
    browser.force_login(User.objects.create_superuser("root"))
    assert not is_in(browser)


def test_a_role_that_does_not_exist_stops_the_program(settings: Any) -> None:
    settings.HUIMIN_SECOND_FACTOR_ROLES = frozenset({"approvers"})
    with pytest.raises(SystemCheckError, match="approvers"):
        call_command("check")


def test_anyone_may_set_it_up_from_their_own_page(mei: User, browser: Client) -> None:
    browser.force_login(mei)
    assert SET_UP in browser.get(OWN_PAGE).content.decode()
    browser.get(SET_UP)
    browser.post(SET_UP, {"code": shown_by(TOTPDevice.objects.get())})
    assert is_in(browser)
    assert "10 recovery codes are left" in browser.get(OWN_PAGE).content.decode()


def test_new_recovery_codes_take_the_place_of_the_old(mei: User, browser: Client) -> None:
    device, old = phone(mei)
    password(browser)
    browser.post(CODE, {"code": old[0]})
    answer = browser.post(OWN_PAGE, {"code": shown_by(device), "renew": "1"})
    assert answer.content.decode().count("<li") >= second_factor.CODE_COUNT
    assert is_in(browser)
    assert second_factor.verify(user=mei, code=old[1]).device is None


def test_another_phone_takes_the_place_of_the_first(mei: User, browser: Client) -> None:
    device, _ = phone(mei)
    password(browser)
    browser.post(CODE, {"code": shown_by(device)})
    assert browser.get(SET_UP)["Location"] == OWN_PAGE
    assert browser.post(OWN_PAGE, {"code": "000000", "replace": "1"}).status_code == 200
    assert browser.get(SET_UP)["Location"] == OWN_PAGE
    TOTPDevice.objects.update(throttling_failure_count=0)
    answer = browser.post(OWN_PAGE, {"code": shown_by(device, 1), "replace": "1"})
    assert answer["Location"] == SET_UP
    browser.get(SET_UP)
    second = TOTPDevice.objects.get(confirmed=False)
    browser.post(SET_UP, {"code": shown_by(second)})
    assert TOTPDevice.objects.get() == second
    assert is_in(browser)


def test_a_reset_takes_it_away_and_is_kept_in_the_history(mei: User, browser: Client) -> None:
    device, _ = phone(mei)
    root = User.objects.create_superuser("root")
    password(browser)
    browser.post(CODE, {"code": shown_by(device)})
    call_command("reset_second_factor", "mei", "--by=root", "--reason=phone lost")
    assert not second_factor.is_asked_for(mei, at=timezone.now())
    history = reverse("admin:auth_user_history", args=[mei.pk])
    browser.force_login(root)
    assert "Second factor reset: phone lost" in browser.get(history).content.decode()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mei", "--by=mei", "--reason=x"], "permit|无权"),
        (["root", "--by=root", "--reason=x"], "permit|无权"),
        (["nemo", "--by=root", "--reason=x"], "nemo"),
        (["mei", "--by=nemo", "--reason=x"], "nemo"),
    ],
)
def test_a_reset_needs_another_person_with_the_right_to_it(
    mei: User, arguments: list[str], words: str
) -> None:
    User.objects.create_superuser("root")
    phone(mei)
    with pytest.raises(CommandError, match=words):
        call_command("reset_second_factor", *arguments)
    assert second_factor.is_set_up(mei)
