"""An address that is not there or not for its reader is answered in the reader's language."""

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import reverse
from django.views.defaults import server_error

from tests.support import cast

pytestmark = pytest.mark.django_db

ABSENT = {"en": "There is no such page", "zh-hans": "没有这个页面"}
FORBIDDEN = {"en": "Your role does not allow this", "zh-hans": "您的角色不允许此操作"}


def browser_of(user: User, language: str) -> Client:
    browser = Client()
    browser.cookies.load({"django_language": language})
    browser.force_login(user)
    return browser


@pytest.mark.parametrize("language", ABSENT)
def test_an_address_that_is_not_there_leads_back(language: str) -> None:
    answer = browser_of(cast.mei(), language).get("/admin/vouchers/nothing/")
    assert answer.status_code == 404
    page = answer.content.decode()
    assert ABSENT[language] in page
    assert f'href="{reverse("admin:index")}"' in page


@pytest.mark.parametrize("language", FORBIDDEN)
def test_what_a_role_does_not_allow_says_who_can_change_that(language: str) -> None:
    answer = browser_of(cast.li(), language).get(reverse("admin:vouchers_campaign_presets"))
    assert answer.status_code == 403
    assert FORBIDDEN[language] in answer.content.decode()


def test_an_address_of_no_persons_gets_a_bare_page(client: Client) -> None:
    answer = client.get("/wp-login.php")
    assert answer.status_code == 404
    assert len(answer.content) < 500


def test_a_fault_of_the_program_is_admitted_in_both_languages(rf: RequestFactory) -> None:
    answer = server_error(rf.get("/admin/"))
    assert answer.status_code == 500
    page = answer.content.decode()
    assert "出错了" in page
    assert "Something went wrong" in page
