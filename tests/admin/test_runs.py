"""A distribution's page: how far it is, and the buttons that pause, resume and cancel it."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.admin.conftest import signed_in
from tests.support import cast
from tests.support.distribution import crowd, reserve
from vouchers.models import Run
from vouchers.states import RunState

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> Run:
    crowd(3)
    return reserve(cast.running_campaign(), shard_size=3)


@pytest.fixture
def manager() -> Client:
    client = signed_in(cast.mei())
    client.cookies.load({"django_language": "en"})
    return client


def page(client: Client, run: Run) -> str:
    answer = client.get(reverse("admin:vouchers_run_change", args=[run.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def press(client: Client, run: Run, button: str, reason: str = "wrong round") -> str:
    address = reverse(f"admin:vouchers_run_{button}", args=[run.pk])
    client.post(address, {"reason": reason, "_form_submitted": "on"}, HTTP_HX_REQUEST="true")
    run.refresh_from_db()
    return page(client, run)


def test_the_page_says_how_far_it_is(run: Run, manager: Client) -> None:
    assert "0 of 9 vouchers" in page(manager, run)


def test_a_run_is_paused_resumed_and_cancelled(run: Run, manager: Client) -> None:
    assert "Resume" not in page(manager, run)
    assert "0 of 9 vouchers · paused" in press(manager, run, "pause")
    assert run.paused_at is not None
    press(manager, run, "resume")
    assert Run.objects.get().paused_at is None
    said = press(manager, run, "cancel")
    assert "what was not issued is free again" in said
    assert run.state == RunState.CANCELLED
    assert reverse("admin:vouchers_run_pause", args=[run.pk]) not in said


def test_the_page_says_why_others_got_none_and_what_came_back(manager: Client) -> None:
    people = crowd(12)
    run = reserve(cast.running_campaign(tiers={"small": (2_000, 10_000)}, tier_counts={"small": 2}))
    said = page(manager, run)
    assert "without a voucher, the quota went to those who come first by the terms: 10" in said
    assert len(people) == 12
    press(manager, run, "cancel")
    assert "2 vouchers were not issued and are free again" in page(manager, run)


def test_a_reason_is_asked_for(run: Run, manager: Client) -> None:
    press(manager, run, "cancel", reason="")
    assert run.state == RunState.RESERVED


def test_an_approver_has_no_buttons(run: Run) -> None:
    approver = signed_in(cast.li())
    assert reverse("admin:vouchers_run_cancel", args=[run.pk]) not in page(approver, run)
    address = reverse("admin:vouchers_run_cancel", args=[run.pk])
    assert approver.post(address, {"reason": "mine"}).status_code == 403
    run.refresh_from_db()
    assert run.state == RunState.RESERVED
