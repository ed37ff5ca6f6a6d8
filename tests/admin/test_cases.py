"""The fraud desk: the queue, the page of a case, its acts, and the results of the rules."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from merchants.models import State, Store
from tests.admin.conftest import signed_in
from tests.support import cast
from tests.support.cases import opened, used, watched
from tests.support.cast import DAY
from tests.support.history import in_words
from tests.support.risk import rule
from vouchers.admin.limits.cases import CaseAdmin
from vouchers.models import Campaign, Case, Hold
from vouchers.money import yuan
from vouchers.pages.live.screen import alert_html
from vouchers.queries.live.alerts import Cursor, alerts_since
from vouchers.services.limits.cases import gather_signals
from vouchers.states import CaseState, RiskKind, RiskSetting, RiskVerdict

pytestmark = pytest.mark.django_db

QUEUE = "admin:vouchers_case_changelist"


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    """One device of three residents at two stores: two orders held, one case; a shadow rule."""
    now = timezone.now()
    pairs = rule(RiskKind.DEVICE_SHARED, people=1, verdict=RiskVerdict.HOLD)
    always = rule(RiskKind.MERCHANT_DAY, fen=0, setting=RiskSetting.SHADOW)
    campaign = watched(pairs, always, at=now, starts_at=now - 3 * DAY, ends_at=now + 30 * DAY)
    used(campaign, [cast.alice(), cast.bob()], device="phone-7731", at=now)
    used(campaign, [cast.carol()], store=cast.xujiahui(), device="phone-7731", at=now)
    gather_signals(at=now)
    return campaign


@pytest.fixture
def case(standing: Campaign) -> Case:
    return standing.cases.get()


@pytest.fixture
def ren() -> Client:
    return speaking(signed_in(cast.ren()), "en")


def speaking(client: Client, language: str) -> Client:
    client.cookies.load({"django_language": language})
    return client


def page(client: Client, case: Case) -> str:
    answer = client.get(reverse("admin:vouchers_case_change", args=[case.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def post(client: Client, case: Case, act: str, **given: Any) -> Any:
    seen = {"seen_acts": case.act_count, "seen_signals": case.signal_count}
    form = {"act": act, "reason": "looked into it", **seen, **given}
    return client.post(reverse("admin:vouchers_case_change", args=[case.pk]), form)


def said(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


class TestQueue:
    def test_it_shows_open_cases_with_the_money_at_stake(self, case: Case, ren: Client) -> None:
        answer = ren.get(reverse(QUEUE))
        assert [row.pk for row in answer.context["cl"].result_list] == [case.pk]
        shown = answer.content.decode()
        for text in ("¥40.00", "in 2 days", "residents of one device", "medium"):
            assert text in shown, text

    def test_decided_ones_are_shown_when_asked_for(self, case: Case, ren: Client) -> None:
        post(ren, case, "clear")
        for asked, count in ({}, 0), ({"state": "cleared"}, 1), ({"state": "all"}, 1):
            answer = ren.get(reverse(QUEUE), asked)
            assert answer.context["cl"].result_count == count, asked

    def test_one_that_is_late_says_so(self, case: Case, ren: Client) -> None:
        Case.objects.filter(pk=case.pk).update(deadline_at=timezone.now() - 2 * DAY)
        assert "overdue by 2 days" in ren.get(reverse(QUEUE)).content.decode()
        assert "overdue by 2 days" in page(ren, case)


def test_pages_of_the_queue_go_on_after_the_last_deadline(
    case: Case, ren: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CaseAdmin, "list_per_page", 1)
    due = [case.deadline_at - DAY, case.deadline_at, case.deadline_at]
    later = [copied(case, week, deadline_at) for week, deadline_at in enumerate(due, start=1)]
    queue, asked = [], {"state": "all"}
    for _page in range(4):
        shown = ren.get(reverse(QUEUE), asked).context["cl"]
        queue += [row.pk for row in shown.result_list]
        asked["after"] = shown.next_after
    assert queue == [later[0], case.pk, *later[1:]]
    assert shown.next_after is None
    assert list(ren.get(reverse(QUEUE), {"after": 10**9}).context["cl"].result_list) == []


def copied(case: Case, week: int, deadline_at: datetime) -> int:
    """The number of a case about the same subject in a later week."""
    again = Case.objects.get(pk=case.pk)
    again.pk, again.window_no, again.deadline_at = None, case.window_no + 7 * week, deadline_at
    again.save(force_insert=True)
    return int(again.pk)


def test_an_alert_of_the_live_screen_leads_to_its_case(case: Case) -> None:
    alerts = [alert for alert in alerts_since(Cursor(), most=9) if alert.case_no]
    assert [alert.case_no for alert in alerts] == [case.pk] * 2
    line = alert_html(alerts[0], language="en")
    assert f'href="/admin/vouchers/case/{case.pk}/change/">case {case.pk}</a>' in line


class TestPage:
    def test_it_says_in_plain_words_what_the_rule_saw(self, case: Case, ren: Client) -> None:
        shown = page(ren, case)
        assert "has shown vouchers of 2 residents; up to 1 pass." in shown
        assert "¥20.00 held since" in shown
        assert "People: 2 · stores: 2 · devices: 1" in shown, "the first was not noticed"
        assert 'id="case-map-t"' in shown

    def test_neither_people_nor_devices_are_named(self, case: Case, ren: Client) -> None:
        shown = page(ren, case)
        assert "phone-7731" not in shown
        assert "ph…31" in shown
        assert ">carol<" not in shown

    def test_it_speaks_chinese(self, case: Case) -> None:
        shown = page(speaking(signed_in(cast.ren()), "zh-hans"), case)
        for text in ("核查单", "确认欺诈", "规则发现"):
            assert text in shown, text

    def test_an_auditor_reads_it_and_may_not_act(self, case: Case) -> None:
        client = signed_in(cast.member("audrey", "auditor"))
        assert "seen_acts" not in page(client, case)
        assert post(client, case, "clear").status_code == 403
        assert Case.objects.get(pk=case.pk).state == CaseState.OPEN

    def test_an_unknown_case_is_not_found_and_an_unknown_act_not_permitted(
        self, case: Case, ren: Client
    ) -> None:
        assert ren.get(reverse("admin:vouchers_case_change", args=[999])).status_code == 404
        assert post(ren, case, "shred").status_code == 403


class TestActs:
    def test_clearing_releases_the_money_and_is_kept(self, case: Case, ren: Client) -> None:
        answer = post(ren, case, "clear")
        assert said(answer) == ["Cleared. What was held of it is owed again."]
        assert not Hold.objects.filter(released_at=None).exists()
        shown = page(ren, case)
        assert "cleared by ren" in shown
        assert "cleared: looked into it" in shown
        assert "seen_acts" not in shown

    def test_confirming_calls_it_back(self, case: Case, ren: Client) -> None:
        post(ren, case, "confirm")
        assert Case.objects.get(pk=case.pk).state == CaseState.CONFIRMED
        assert "¥40.00 undone" in page(ren, case)

    def test_the_second_officer_sees_the_change_and_keeps_what_was_typed(
        self, case: Case, ren: Client
    ) -> None:
        rosa = speaking(signed_in(cast.member("rosa", "risk officer")), "en")
        chosen = cast.ren().pk
        assert post(ren, case, "assign", assignee=chosen, reason="mine").status_code == 302
        answer = post(rosa, case, "assign", assignee=chosen, reason="no, hers")
        assert said(answer)[-1].startswith("Another officer has acted on the case")
        shown = answer.content.decode()
        assert "no, hers" in shown
        assert 'name="seen_acts" value="1"' in shown
        case.refresh_from_db()
        assert post(rosa, case, "assign", assignee=chosen, reason="no, hers").status_code == 302

    def test_a_deadline_is_typed_in_local_time(self, case: Case, ren: Client) -> None:
        later = timezone.localtime() + timedelta(days=9)
        post(ren, case, "deadline", deadline_at=f"{later:%Y-%m-%dT%H:%M}")
        kept = Case.objects.get(pk=case.pk).deadline_at
        assert timezone.localtime(kept).strftime("%d %H:%M") == f"{later:%d %H:%M}"

    def test_a_store_is_suspended_with_the_cases_number_in_its_history(
        self, case: Case, ren: Client
    ) -> None:
        store = cast.xujiahui()
        post(ren, case, "stop", what=f"store-{store.pk}", until="week", reason="one hand")
        stopped = Store.objects.get(pk=store.pk)
        assert stopped.state == State.SUSPENDED
        assert stopped.suspended_until_at is not None
        until = f"{timezone.localtime(stopped.suspended_until_at):%Y-%m-%d %H:%M:%S}"
        assert f"suspended until {until}: one hand" in page(ren, case)
        entry = LogEntry.objects.filter(object_repr=str(store)[:200]).latest("id")
        because = f"Now suspended because of case {case.pk} until {until}: one hand"
        assert in_words(entry) == because

    def test_what_the_case_is_not_about_cannot_be_chosen(self, case: Case, ren: Client) -> None:
        answer = post(ren, case, "stop", what=f"store-{cast.rival_shop().pk}", reason="one hand")
        assert answer.status_code == 200
        assert "Select a valid choice" in answer.content.decode()

    def test_without_a_reason_nothing_is_done(self, case: Case, ren: Client) -> None:
        assert post(ren, case, "clear", reason="").status_code == 200
        assert Case.objects.get(pk=case.pk).state == CaseState.OPEN


class TestResults:
    def test_hits_and_what_a_shadow_rule_would_have_done(
        self, standing: Campaign, case: Case, ren: Client
    ) -> None:
        shown = ren.get(reverse("admin:vouchers_case_rules")).content.decode()
        assert "held 2 · ¥40.00" in shown
        assert "would have refused 3 · ¥60.00" in shown

    def test_the_share_of_cleared_cases(self, case: Case, ren: Client) -> None:
        post(ren, case, "clear")
        opened_again = used(case.campaign, [cast.alice()], device="phone-7731", at=timezone.now())
        assert opened_again
        post(ren, opened(case.campaign, at=timezone.now()), "confirm")
        shown = ren.get(reverse("admin:vouchers_case_rules"), {"campaign": case.campaign_id})
        assert "50 %" in shown.content.decode()


@pytest.mark.parametrize(
    ("language", "opener"), [("en", "risk rules, version 2"), ("zh-hans", "风控规则，版本 2")]
)
def test_the_list_of_holds_names_the_rules_that_held(
    standing: Campaign, language: str, opener: str
) -> None:
    versions = set(Hold.objects.values_list("rule_version__number", flat=True))
    assert versions == {2}
    shown = speaking(signed_in(cast.ren()), language).get(reverse("admin:vouchers_hold_changelist"))
    assert opener in shown.content.decode()


@pytest.mark.parametrize(
    ("language", "why"), [("en", "residents of one device"), ("zh-hans", "同一设备的居民人数")]
)
def test_the_page_of_a_hold_says_why_in_words_and_shows_no_device(
    standing: Campaign, language: str, why: str
) -> None:
    hold = Hold.objects.order_by("id")[0]
    page = reverse("admin:vouchers_hold_change", args=[hold.pk])
    shown = speaking(signed_in(cast.ren()), language).get(page).content.decode()
    assert yuan(hold.redemption.discount_fen) in shown
    assert why in shown
    assert "phone-7731" not in shown
    assert "device_shared" not in shown
