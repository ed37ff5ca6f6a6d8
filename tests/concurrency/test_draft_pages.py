"""Two people at one draft: a page that was overtaken says so on its form and saves nothing."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from tests.admin.conftest import signed_in
from tests.concurrency.test_locks import PATIENCE_S, session_holds
from tests.support import cast
from tests.support.admin_pages import opened, page_of
from tests.support.concurrency.threads import at_once, wait_until_a_session_waits
from vouchers.models import Campaign
from vouchers.services.campaigns import lifecycle
from vouchers.services.campaigns.lifecycle import lock_campaign

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def draft() -> Campaign:
    now = timezone.now()
    return cast.spring_campaign(starts_at=now, ends_at=now + 30 * cast.DAY)


def posted(client: Client, campaign: Campaign, form: dict[str, Any]) -> tuple[int, str]:
    """Status and body of what a browser sends."""
    try:
        answer = client.post(page_of(campaign), form, follow=True)
        return answer.status_code, answer.content.decode()
    finally:
        connections.close_all()


def test_a_submission_between_the_forms_check_and_its_service(draft: Campaign) -> None:
    mei = signed_in(cast.mei())
    form = opened(mei, draft) | {"name": "新名"}
    by = cast.mei()

    def submit() -> None:
        lifecycle.submit(campaign=draft, by=by, at=timezone.now())

    with ThreadPoolExecutor(1) as pool:
        with session_holds(lambda: lock_campaign(draft.pk), submit):
            posting = pool.submit(posted, mei, draft, form)
            wait_until_a_session_waits()
        status, body = posting.result(PATIENCE_S)
    assert status == 200
    assert "活动当前状态（待审批）不允许此操作" in body
    draft.refresh_from_db()
    assert draft.name == "春季消费券"


def test_of_two_managers_at_once_one_saves_and_the_other_is_refused(draft: Campaign) -> None:
    browsers = [signed_in(cast.mei()), signed_in(cast.member("noor", "manager"))]
    forms = [
        opened(client, draft) | {"radius_m": str(4_000 + number)}
        for number, client in enumerate(browsers)
    ]
    answers = at_once(
        [
            lambda client=client, form=form: posted(client, draft, form)  # type: ignore[misc]
            for client, form in zip(browsers, forms, strict=True)
        ]
    )
    assert [status for status, _body in answers] == [200, 200]
    refused = ["条款已不是您所看到的版本" in body for _status, body in answers]
    assert sorted(refused) == [False, True]
    draft.refresh_from_db()
    assert draft.radius_m == 4_000 + refused.index(False)
