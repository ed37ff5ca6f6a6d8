"""Forms that are not read are answered in words; nothing of them is stored."""

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from tests.support import cast
from vouchers.models import Campaign
from vouchers.pages.unread import from_before

pytestmark = pytest.mark.django_db

SENT = {"preset": "sports", "name": "May", "code": "may", "starts_at": "2030-05-01T10:00"}


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "opened before you signed in"), ("zh-hans", "登录之前打开的")],
)
def test_a_page_from_before_a_sign_in_says_so(language: str, words: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies.load({"django_language": language})
    browser.force_login(cast.mei())
    page = reverse("admin:vouchers_campaign_presets")
    browser.get(page)
    answer = browser.post(page, SENT | {"csrfmiddlewaretoken": "a" * 64})
    assert answer.status_code == 403
    assert words in answer.content.decode()
    assert not Campaign.objects.exists()


def test_a_form_of_another_site_is_told_nothing(rf: RequestFactory) -> None:
    answer = from_before(rf.post("/admin/"), "Origin checking failed")
    assert answer.status_code == 403
    assert b"signed in" not in answer.content
