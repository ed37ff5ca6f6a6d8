"""Back-tests in the admin: asked for by those who propose rules, shown with progress and result."""

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.admin.conftest import signed_in
from tests.support import cast
from tests.support.admin_pages import said
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


def asked(client: Client, campaign: Campaign, kind: str = "merchant_day", **change: Any) -> Any:
    today = timezone.localdate()
    form = {
        "campaign": campaign.pk,
        "verdict": "hold",
        "fen": "20.00",
        "first_day": today,
        "last_day": today,
        **change,
    }
    return client.post(f"{reverse(ASK)}?kind={kind}", form)


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
    for text in (
        "More than ¥20.00 of subsidy a day at one merchant · once in force: pay, hold",
        "50.00 %",
        "nanjing_road",
        "exactly as at the till",
    ):
        assert text in shown, text


def test_a_rule_goes_from_its_results_to_a_back_test_and_on_to_a_proposal(
    standing: Campaign, ren: Client
) -> None:
    results = ren.get(reverse("admin:vouchers_case_rules")).content.decode()
    (query,) = re.findall(r'href="[^"?]*ask/([?][^"]*kind=merchant_day[^"]*)"', results)
    form = ren.get(reverse(ASK) + unescape(query)).context["form"]
    assert form["campaign"].value() == standing.pk
    assert form["fen"].value() == "99.99"

    page = asked(ren, standing, verdict="refuse").url
    assert "Propose this rule" not in ren.get(page).content.decode()
    work_off(clock=timezone.now)
    propose = ren.get(page).context["propose_url"]
    form = ren.get(propose).context["form"]
    assert (form["fen"].value(), form["verdict"].value()) == ("20.00", "refuse")
    assert form["setting"].value() == "shadow", "the setting is a decision of its own"
    auditor = signed_in(cast.member("audrey", "auditor"))
    assert auditor.get(page).context["propose_url"] == ""


def test_nothing_typed_is_lost_when_it_is_refused(standing: Campaign, ren: Client) -> None:
    for change, text in (
        ({"fen": "much"}, "much"),
        ({"fen": "100,000,000.01"}, "It has to be from ¥0.00 to ¥100,000,000.00."),
        ({"first_day": "2020-01-01"}, "at most 92"),
        ({"kind": "store_distance"}, "where a voucher was shown is not kept"),
    ):
        answer = asked(ren, standing, **change)
        assert answer.status_code == 200
        words = " ".join(said(answer))
        assert text in words + answer.content.decode(), change
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
