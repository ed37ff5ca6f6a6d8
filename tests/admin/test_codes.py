"""Papers, presented codes and wrong codes in the admin: shown to all, acted on by few."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.admin.conftest import signed_in
from tests.support import cast, till
from tests.support.admin_pages import press, said
from tests.support.history import in_words
from tests.support.presenting import ZHANG, identified, paper_of, presented, shown
from tests.support.till import code_of, issue_vouchers, order, redeem
from vouchers.models import Campaign, Paper, Voucher, WrongCodes
from vouchers.queries.limits.wrong_codes import wrong_codes_counted
from vouchers.states import WrongCodeKind

pytestmark = pytest.mark.django_db

PAGE = "admin:vouchers_wrongcodes_counted"


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    now = timezone.now()
    return cast.running_campaign(at=now, starts_at=now - cast.DAY, ends_at=now + 30 * cast.DAY)


@pytest.fixture
def voucher(standing: Campaign) -> Voucher:
    campaign = Campaign.objects.get(pk=standing.pk)
    return issue_vouchers(campaign, [identified(cast.alice())], at=timezone.now())[0]


@pytest.fixture
def ren() -> Client:
    client = signed_in(cast.ren())
    client.cookies.load({"django_language": "en"})
    return client


class TestPapers:
    def test_a_lost_paper_is_replaced_by_one_whose_code_is_shown_once(
        self, voucher: Voucher, ren: Client
    ) -> None:
        lost = paper_of(voucher, cast.alice(), at=timezone.now())
        paper = Paper.objects.get()
        answer = press(ren, "replace", paper, national_id=ZHANG)
        page = answer.content.decode()
        assert "A new paper has been made; the one before it is void." in page
        (code,) = re.findall(r'class="hm-hash">([\d ]+)<', page)
        assert said(answer) == [], "messages are stored to be shown later"
        assert "no-store" in answer.headers["Cache-Control"]
        code = code.replace(" ", "")
        assert Paper.objects.get(pk=paper.pk).replaced_at is not None
        here, now = cast.nanjing_road(), timezone.now()
        assert shown(lost, here, id_digits="002X", at=now).status == 404
        assert shown(code, here, id_digits="002X", at=now).status == 201
        assert in_words(LogEntry.objects.latest("id")) == f"Paper {paper.pk} replaced"

    def test_another_identity_number_replaces_nothing(self, voucher: Voucher, ren: Client) -> None:
        paper_of(voucher, cast.alice(), at=timezone.now())
        answer = press(ren, "replace", Paper.objects.get(), national_id="110105194912310021")
        assert 'class="hm-hash"></p>' in answer.content.decode(), "words, and no code"
        assert Paper.objects.get().replaced_at is None
        assert not LogEntry.objects.filter(change_message__contains="replaced").exists()

    def test_the_digits_of_a_paper_are_on_no_page(self, voucher: Voucher, ren: Client) -> None:
        paper_of(voucher, cast.alice(), at=timezone.now())
        paper = Paper.objects.get()
        page = ren.get(reverse("admin:vouchers_paper_change", args=[paper.pk])).content.decode()
        assert "digits" not in page
        assert code_of(voucher) not in page

    def test_an_auditor_sees_papers_and_replaces_none(self, voucher: Voucher) -> None:
        paper_of(voucher, cast.alice(), at=timezone.now())
        client = signed_in(cast.member("audrey", "auditor"))
        assert client.get(reverse("admin:vouchers_paper_changelist")).status_code == 200
        press(client, "replace", Paper.objects.get(), national_id=ZHANG)
        assert Paper.objects.get().replaced_at is None


@pytest.mark.parametrize("name", ["paper", "presentation"])
def test_they_are_found_by_voucher_and_by_resident(
    voucher: Voucher, ren: Client, name: str
) -> None:
    paper_of(voucher, cast.alice(), at=timezone.now())
    presented(voucher, cast.alice(), at=timezone.now())
    for term, count in ((code_of(voucher), 1), (str(voucher), 1), ("alice", 1), ("bob", 0)):
        answer = ren.get(reverse(f"admin:vouchers_{name}_changelist"), {"q": term})
        assert answer.context["cl"].result_count == count, term


class TestWrongCodes:
    @pytest.fixture
    def slowed(self, voucher: Voucher, settings: Any) -> Voucher:
        """The till, and the voucher whose holder was guessed, have to wait; the store not yet."""
        settings.HUIMIN_WRONG_CODES = 2
        for number in range(2):
            wrong = order(voucher, cast.nanjing_road(), cast.bob(), at=timezone.now())
            assert redeem(requests=[wrong])[0].status == 404, number
        return voucher

    def test_the_page_says_who_has_to_wait(self, slowed: Voucher, ren: Client) -> None:
        page = ren.get(reverse(PAGE)).content.decode()
        assert str(slowed) in page
        assert "nanjing_road" in page
        rows = wrong_codes_counted(at=timezone.now(), free=2)
        assert {(row.kind, row.wrong_count, row.until_at is None) for row in rows} == {
            (WrongCodeKind.TERMINAL, 2, False),
            (WrongCodeKind.VOUCHER, 2, False),
            (WrongCodeKind.STORE, 2, True),
        }

    def test_once_the_wait_is_over_no_end_is_named(self, slowed: Voucher) -> None:
        later = timezone.now() + timedelta(seconds=3)
        assert {row.until_at for row in wrong_codes_counted(at=later, free=2)} <= {None}

    def test_the_risk_officer_forgives_with_a_reason_that_is_kept(
        self, slowed: Voucher, ren: Client
    ) -> None:
        asked = order(slowed, cast.nanjing_road(), cast.alice(), at=timezone.now())
        assert redeem(requests=[asked])[0].status == 429
        for row in wrong_codes_counted(at=timezone.now(), free=2):
            form = {
                "kind": row.kind.value,
                "subject_id": row.subject_id,
                "reason": "faulty scanner",
            }
            assert ren.post(reverse(PAGE), form).status_code == 302
        assert redeem(requests=[asked])[0].status == 201
        entry = LogEntry.objects.filter(change_message__contains="forgiven").order_by("id")[0]
        assert (entry.user.get_username(), "faulty scanner" in entry.change_message) == (
            "ren",
            True,
        )

    @pytest.mark.parametrize("reason", ["", "abc", "x" * 201])
    def test_without_a_reason_nothing_is_forgiven(
        self, slowed: Voucher, ren: Client, reason: str
    ) -> None:
        row = wrong_codes_counted(at=timezone.now(), free=2)[0]
        form = {"kind": row.kind.value, "subject_id": row.subject_id, "reason": reason}
        ren.post(reverse(PAGE), form)
        assert WrongCodes.objects.count() == 3

    @pytest.mark.parametrize("role", ["operator", "manager", "auditor"])
    def test_others_see_it_and_forgive_nothing(self, slowed: Voucher, role: str) -> None:
        client = signed_in(cast.member("someone", role))
        assert client.get(reverse(PAGE)).status_code == 200
        till_no = till.till_of(cast.nanjing_road()).credential_id
        form = {"kind": 1, "subject_id": till_no, "reason": "please"}
        assert client.post(reverse(PAGE), form).status_code == 403
        assert WrongCodes.objects.count() == 3
