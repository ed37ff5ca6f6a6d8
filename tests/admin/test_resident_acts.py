"""Every act on residents has a button that calls its service; refusals are shown in words."""

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from tests.admin.conftest import signed_in
from tests.support import cast
from tests.support.admin_pages import press, said
from vouchers.models import Consent, Exclusion, Link, Proxy, Resident, ResidentMerge

pytestmark = pytest.mark.django_db


@pytest.fixture
def ren() -> Client:
    """The risk officer's browser."""
    client = signed_in(cast.ren())
    client.cookies.load({"django_language": "en"})
    return client


def test_a_residents_state_is_changed(ren: Client) -> None:
    alice, states = cast.alice(), []
    for button, field in (
        ("freeze", "reason"),
        ("unfreeze", "reason"),
        ("record_death", "document_no"),
        ("undo_death", "reason"),
        ("erase", "reason"),
    ):
        press(ren, button, alice, **{field: "because"})
        states.append(alice.state)
    assert states == ["frozen", "active", "deceased", "active", "erased"]


def test_a_refused_act_is_shown_in_words(ren: Client) -> None:
    answer = press(ren, "unfreeze", cast.alice(), reason="r")
    assert said(answer) == ["This resident is active and can't be moved to that state."]


def test_a_reason_is_asked_for(ren: Client) -> None:
    alice = cast.alice()
    press(ren, "freeze", alice, reason="")
    assert alice.state == "active"


def test_who_may_not_has_no_way_in() -> None:
    alice = cast.alice()
    auditor = signed_in(cast.member("ann", "auditor"))
    answer = press(auditor, "freeze", alice, reason="r")
    assert (answer.status_code, alice.state) == (403, "active")


def test_excluded_and_let_in_again(ren: Client) -> None:
    press(ren, "keep_out", cast.alice(), reason="staff", campaign="")
    exclusion = Exclusion.objects.get()
    press(ren, "end", exclusion)
    assert exclusion.lifted_at is not None


def test_merged_and_apart_again(ren: Client) -> None:
    press(ren, "merge", cast.alice(), reason="one person", kept=cast.bob().external_id)
    merge = ResidentMerge.objects.get()
    assert (merge.member, merge.kept) == (cast.alice(), cast.bob())
    press(ren, "end", merge)
    assert merge.undone_by == "ren"


def test_a_resident_that_is_not_on_file_is_a_form_error(ren: Client) -> None:
    answer = press(ren, "merge", cast.alice(), reason="r", kept="unknown-1")
    assert "There is no resident of this number." in answer.content.decode()
    assert not ResidentMerge.objects.exists()


def test_consent_on_paper_and_its_end(ren: Client) -> None:
    bob = cast.resident("zoe", consents=False)
    press(ren, "give_consent", bob, purpose="targeting", text_version="2026-01")
    assert Consent.objects.get(resident=bob).withdrawn_at is None
    press(ren, "withdraw_consent", bob, purpose="targeting")
    assert Consent.objects.get(resident=bob).withdrawn_at is not None


def test_a_proxy_and_a_link_are_declared_and_end(ren: Client) -> None:
    alice = cast.alice()
    press(ren, "declare_proxy", alice, proxy=cast.bob().external_id, relation="son")
    press(ren, "link", alice, kind="device", value="d-1")
    proxy, link = Proxy.objects.get(), Link.objects.get()
    assert (proxy.holder, proxy.proxy, link.resident) == (alice, cast.bob(), alice)
    press(ren, "end", proxy)
    press(ren, "end", link)
    assert None not in {proxy.ended_at, link.ended_at}


@pytest.mark.parametrize("model", [Resident, Exclusion, ResidentMerge, Proxy, Link])
def test_every_list_opens(model: type[Model]) -> None:
    root = signed_in(User.objects.create_superuser("root"))
    answer = root.get(reverse(f"admin:vouchers_{model._meta.model_name}_changelist"))
    assert answer.status_code == 200
