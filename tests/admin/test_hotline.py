"""The hotline's page: a whole life of a voucher, in words, behind a reason."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.admin.conftest import signed_in
from tests.support import cast
from tests.support.cases import used, watched
from tests.support.risk import rule
from tests.support.till import issue_vouchers
from vouchers.admin.hotline import WORDS
from vouchers.models import Campaign, Redemption, Voucher
from vouchers.queries.hotline import Event, histories_of
from vouchers.states import RiskKind, RiskVerdict

pytestmark = pytest.mark.django_db


def address() -> str:
    return reverse("admin:vouchers_voucher_hotline")


def asked(client: Client, **given: str) -> str:
    data = {"found_by": "resident", "number": "alice", "reason": "call 4711", **given}
    answer = client.post(address(), data)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def desk() -> Client:
    client = signed_in(cast.member("olga", "operator"))
    client.cookies.load({"django_language": "en"})
    return client


def test_every_event_has_words() -> None:
    assert WORDS.keys() == set(Event)


def test_the_history_of_a_voucher_is_in_order_of_time(town: Campaign, desk: Client) -> None:
    page = asked(desk)
    told = [
        "Issued by run",
        "home is 1,",
        "Redeemed in nanjing_road",
        "Refused in rival_shop: ",
        "The shopper was refunded",
        "The subsidy was put on hold by ren: looks odd",
        "settled with the day",
    ]
    for words in told:
        assert words in page, words
    assert "al…ce" in page
    assert ">alice<" not in page


def test_many_lives_are_read_together(town: Campaign) -> None:
    vouchers = list(Voucher.objects.select_related("resident"))
    assert len(vouchers) > 5
    with CaptureQueriesContext(connection) as captured:
        assert [history.voucher for history in histories_of(vouchers)] == vouchers
    asked = [query["sql"].partition(" WHERE ")[0] for query in captured.captured_queries]
    assert len(set(asked)) == len(asked)


def test_the_history_is_available_in_chinese(town: Campaign, desk: Client) -> None:
    desk.cookies.load({"django_language": "zh-hans"})
    assert "核销" in asked(desk)


def test_a_resident_is_told_why_or_why_not(town: Campaign, desk: Client) -> None:
    cast.resident("erin")
    page = asked(desk, number="erin")
    assert "targeted: home, nearest participating store nanjing_road" in page
    assert "There is no voucher of this resident." in page
    outside = asked(desk, number="dan")
    assert "not targeted: deceased or erased" in outside
    desk.cookies.load({"django_language": "zh-hans"})
    assert "未圈定：" in asked(desk, number="dan")
    lines = LogEntry.objects.filter(change_message__contains="explained for")
    assert {line.object_repr for line in lines} == {"erin", "dan"}
    assert "Why, or why not?" not in asked(desk, found_by="voucher", number="1-1")


def test_nothing_is_looked_up_without_a_reason(town: Campaign, desk: Client) -> None:
    assert "Issued by run" not in asked(desk, reason="  ")
    assert not LogEntry.objects.filter(change_message__contains="looked up").exists()


def test_an_order_needs_its_day(town: Campaign, desk: Client) -> None:
    assert "Ask for the day" in asked(desk, found_by="order", number="A-1")


def test_an_unknown_voucher_gets_a_message_and_a_log_entry(town: Campaign, desk: Client) -> None:
    assert "Nothing is on file under this number" in asked(desk, number="zz-9")
    assert LogEntry.objects.filter(object_repr="zz-9").count() == 1


def test_markup_in_a_number_is_shown_as_text(town: Campaign, desk: Client) -> None:
    assert "<script>alert" not in asked(desk, number="<script>alert(1)</script>")


def test_the_page_is_closed_without_a_role(town: Campaign) -> None:
    stranger = signed_in(User.objects.create_user("stranger", is_staff=True))
    assert stranger.get(address()).status_code == 403


def test_a_voucher_never_used_has_one_line(town: Campaign, desk: Client) -> None:
    issue_vouchers(town, [cast.resident("erin")])
    page = asked(desk, number="erin")
    assert page.count("hm-event-") == 1


@pytest.mark.parametrize(
    ("language", "why"), [("en", "residents of one device"), ("zh-hans", "同一设备的居民人数")]
)
def test_money_that_a_rule_holds_is_told_without_the_device(
    desk: Client, language: str, why: str
) -> None:
    now = timezone.now()
    pairs = rule(RiskKind.DEVICE_SHARED, people=1, verdict=RiskVerdict.HOLD)
    campaign = watched(pairs, at=now, starts_at=now - cast.DAY, ends_at=now + 30 * cast.DAY)
    used(campaign, [cast.alice(), cast.bob()], device="phone-7731", at=now)
    desk.cookies.load({"django_language": language})
    page = asked(desk, number="bob")
    assert why in page
    assert "phone-7731" not in page
    assert "device_shared" not in page


def test_the_page_of_a_redemption_masks_whose_voucher_it_was(town: Campaign, root: Client) -> None:
    redemption = Redemption.objects.order_by("id")[0]
    page = reverse("admin:vouchers_redemption_change", args=[redemption.pk])
    shown = root.get(page).content.decode()
    assert redemption.resident.external_id == "alice"
    assert shown.count("al…ce") == 2, "the holder, and who showed it"
    assert "alice" not in shown
