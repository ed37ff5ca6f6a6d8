"""Pages of roles given, and of what waits for one's approval."""

import re
from http import HTTPStatus
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from tests.admin.conftest import signed_in
from tests.support import cast
from tests.support.admin_pages import said
from tests.support.cast import NOON
from vouchers.admin.navigation import navigation
from vouchers.models import Grant, TermsVersion
from vouchers.queries.roles import NOWHERE
from vouchers.services.campaigns import lifecycle
from vouchers.services.roles import area_of

pytestmark = pytest.mark.django_db
BUND = [(121.48, 31.23), (121.49, 31.23), (121.49, 31.24), (121.48, 31.23)]
INBOX = reverse("admin:vouchers_proposal_inbox")


def give(client: Client, username: str, **change: str) -> Any:
    """The dialog as the browser sends it."""
    filled = {
        "username": username,
        "role": str(Group.objects.get(name="operator").pk),
        "district": "",
        "street": "",
        "from_at_0": "2026-01-01",
        "from_at_1": "08:00",
        "until_at_0": "",
        "until_at_1": "",
        "why": "on duty",
        "_form_submitted": "True",
    }
    return client.post(reverse("admin:vouchers_grant_give"), filled | change)


def test_a_role_is_given_and_withdrawn_on_its_page(root: Client) -> None:
    wu = User.objects.create_user("wu", is_staff=True)
    huangpu = cast.district()
    answer = give(root, "wu", district=str(huangpu.pk))
    assert answer.headers["HX-Redirect"] == reverse("admin:vouchers_grant_changelist")
    grant = Grant.objects.get(user=wu)
    assert (grant.role.name, grant.district, grant.until_at) == ("operator", huangpu, None)
    assert (grant.why, grant.given_by.username) == ("on duty", "root")
    reason = {"reason": "moved on", "_form_submitted": "True"}
    root.post(reverse("admin:vouchers_grant_withdraw", args=[grant.pk]), reason)
    grant.refresh_from_db()
    assert (grant.withdrawn_by, grant.withdrawn_why) == (grant.given_by, "moved on")
    afresh = User.objects.get(pk=wu.pk)
    assert area_of(afresh, "merchants.change_store", at=timezone.now()) == NOWHERE


def test_roles_are_called_by_their_names_wherever_they_are_shown(root: Client) -> None:
    ann = cast.member("ann", "auditor")
    grant = Grant.objects.get(user=ann)
    for name, key in {
        "vouchers_grant_change": [grant.pk],
        "vouchers_grant_changelist": [],
        "vouchers_grant_give": [],
        "auth_user_change": [ann.pk],
    }.items():
        page = root.get(
            reverse(f"admin:{name}", args=key), headers={"accept-language": "zh-hans"}
        ).content.decode()
        assert "审计" in page, name
        assert not re.search(r">\s*auditor\s*<", page), name


def test_a_role_is_given_for_a_street_with_its_district_or_without(root: Client) -> None:
    bund = cast.street(BUND)
    for username, district in (("wu", ""), ("wei", str(bund.district_id))):
        person = User.objects.create_user(username, is_staff=True)
        assert "HX-Redirect" in give(root, username, district=district, street=str(bund.pk)).headers
        grant = Grant.objects.get(user=person)
        assert (grant.district, grant.street) == (bund.district, bund)
    page = root.get(reverse("admin:vouchers_grant_changelist")).content.decode()
    assert page.count("黄浦区 外滩") >= 2


def test_a_street_of_another_district_keeps_the_dialog_open(root: Client) -> None:
    User.objects.create_user("wu", is_staff=True)
    xuhui = cast.district(310104, "徐汇区")
    answer = give(root, "wu", district=str(xuhui.pk), street=str(cast.street(BUND).pk))
    assert "HX-Redirect" not in answer.headers
    assert not Grant.objects.exists()


def test_a_name_that_is_not_there_keeps_the_dialog_open(root: Client) -> None:
    answer = give(root, "nobody-of-that-name")
    assert answer.status_code == HTTPStatus.OK
    assert "HX-Redirect" not in answer.headers
    assert not Grant.objects.exists()


def test_a_manager_gives_no_roles() -> None:
    assert give(signed_in(cast.mei()), "mei").status_code == HTTPStatus.FORBIDDEN


@pytest.fixture
def submitted(settings: Any) -> TermsVersion:
    """Terms that two people have to approve."""
    settings.HUIMIN_APPROVERS = (1,)
    cast.li()
    cast.member("xu", "approver")
    return lifecycle.submit(campaign=cast.spring_campaign(), by=cast.mei(), at=NOON)


def test_the_inbox_leads_to_the_page_where_it_is_decided(submitted: TermsVersion) -> None:
    li, xu = signed_in(cast.li()), signed_in(cast.member("xu", "approver"))
    review = reverse("admin:vouchers_campaign_review", args=[submitted.campaign_id])
    page = li.get(INBOX).content.decode()
    assert f'href="{review}"' in page
    assert "¥5,000,000.00" in page
    for client, reply in ((li, "others have to approve"), (xu, "Approved.")):
        client.cookies.load({"django_language": "en"})
        seen = {"seen_sha256": bytes(submitted.sha256).hex(), "comment": ""}
        answer = client.post(review, {**seen, "decision": "approve"})
        assert reply in said(answer)[-1]
        assert f'href="{review}"' not in client.get(INBOX).content.decode()
    submitted.campaign.refresh_from_db()
    assert submitted.campaign.terms == submitted


def test_the_menu_marks_the_page_shown_alone_and_what_waits(submitted: TermsVersion) -> None:
    request = RequestFactory().get(INBOX)
    request.user = cast.li()
    links = [link for group in navigation(request) for link in group["items"]]
    (inbox,) = [link for link in links if link["active"]]
    assert (inbox["link"], inbox["badge"]) == (INBOX, "1")
    lifecycle.approve(terms=submitted, by=cast.li(), seen_sha256=bytes(submitted.sha256), at=NOON)
    links = [link for group in navigation(request) for link in group["items"]]
    assert "badge" not in next(link for link in links if link["link"] == INBOX), "none is no badge"


def test_only_who_may_approve_has_an_inbox(submitted: TermsVersion) -> None:
    assert signed_in(cast.mei()).get(INBOX).status_code == HTTPStatus.FORBIDDEN
    start = signed_in(cast.mei()).get(reverse("admin:index")).content.decode()
    assert INBOX not in start
    assert INBOX in signed_in(cast.li()).get(reverse("admin:index")).content.decode()
