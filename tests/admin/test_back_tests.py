"""Back-tests in the admin: asked for by those who propose rules, shown with progress and result."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.admin.conftest import signed_in
from tests.support import cast
from tests.support.cases import used, watched
from tests.support.cast import DAY
from tests.support.risk import rule
from vouchers.models import BackTest, Campaign
from vouchers.services.limits.back_tests import work_off
from vouchers.states import RiskKind, RiskSetting

pytestmark = pytest.mark.django_db

ASK = "admin:vouchers_backtest_ask"


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    """A campaign with two redemptions at one store."""
    now = timezone.now()
    quiet = rule(RiskKind.MERCHANT_DAY, fen=9_999, setting=RiskSetting.SHADOW)
    campaign = watched(quiet, at=now, starts_at=now - 3 * DAY, ends_at=now + 30 * DAY)
    used(campaign, [cast.alice(), cast.bob()], at=now)
    return campaign


@pytest.fixture
def ren() -> Client:
    client = signed_in(cast.ren())
    client.cookies.load({"django_language": "en"})
    return client


def asked(client: Client, campaign: Campaign, **change: Any) -> Any:
    today = timezone.localdate()
    form = {
        "campaign": campaign.pk,
        "kind": "merchant_day",
        "verdict": "hold",
        "parameters": "fen=2000",
        "first_day": today,
        "last_day": today,
        **change,
    }
    return client.post(reverse(ASK), form)


def test_a_rule_is_tried_and_the_answer_says_where_it_would_have_hit(
    standing: Campaign, ren: Client
) -> None:
    page = asked(ren, standing).url
    waiting = ren.get(page).content.decode()
    assert 'http-equiv="refresh"' in waiting
    assert "0 of 0 redemptions looked at." in waiting
    assert work_off(clock=timezone.now) == 1
    shown = ren.get(page).content.decode()
    assert "http-equiv" not in shown
    for text in ("50.00 %", "¥20.00", "nanjing_road", "exactly as at the till"):
        assert text in shown, text


def test_nothing_typed_is_lost_when_it_is_refused(standing: Campaign, ren: Client) -> None:
    for change, text in (
        ({"parameters": "fen"}, "Write each parameter as name=number."),
        ({"parameters": "people=3"}, "people=3"),
        ({"first_day": "2020-01-01"}, "at most 92"),
        ({"kind": "store_distance"}, "Select a valid choice"),
    ):
        answer = asked(ren, standing, **change)
        assert answer.status_code == 200
        said = " ".join(str(message) for message in get_messages(answer.wsgi_request))
        assert text in said + answer.content.decode(), change
    assert not BackTest.objects.exists()


def test_an_auditor_reads_and_does_not_ask(standing: Campaign) -> None:
    client = signed_in(cast.member("audrey", "auditor"))
    assert client.get(reverse("admin:vouchers_backtest_changelist")).status_code == 200
    assert client.get(reverse(ASK)).status_code == 403
    assert asked(client, standing).status_code == 403


def test_the_form_speaks_chinese_and_says_what_cannot_be_tried(
    standing: Campaign, ren: Client
) -> None:
    ren.cookies.load({"django_language": "zh-hans"})
    shown = ren.get(reverse(ASK)).content.decode()
    assert "用历史核销回测规则" in shown
    assert "系统不保存出示位置" in shown
