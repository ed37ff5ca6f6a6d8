"""Endpoints are added, changed and replayed on their pages; their secrets are never on a page."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from tests.admin.conftest import signed_in
from tests.support import cast
from tests.support.cast import NOON
from vouchers.models import Outbox, WebhookEndpoint
from vouchers.rules.webhooks import EventType
from vouchers.services.webhooks import Event, endpoints, publish

pytestmark = pytest.mark.django_db

URL = "https://pos.example/hook"


@pytest.fixture
def operator() -> Client:
    return signed_in(cast.member("olga", "operator"))


def confirm(client: Client, name: str, *arguments: object, **given: object) -> str:
    """Send a dialog's form; the page that comes back."""
    address = reverse(f"admin:vouchers_{name}", args=arguments)
    answer = client.post(address, {"_form_submitted": "on", **given})
    assert answer.status_code == 200
    return answer.content.decode()


def add(client: Client, **given: object) -> str:
    fields = {"url": URL, "events": ["settlement.paid"], "merchant": cast.huilian().pk, **given}
    return confirm(client, "webhookendpoint_add_one", **fields)


def delivered() -> Outbox:
    """A message that the endpoint has taken."""
    event = Event(
        type=EventType.SETTLEMENT_PAID,
        subject="1",
        at=NOON,
        is_test=False,
        data={},
        merchant_ids=(cast.huilian().pk,),
    )
    publish([event])
    Outbox.objects.update(sent_at=NOON, tries=1)
    return Outbox.objects.get()


def test_a_new_endpoint_shows_its_secret_once(operator: Client) -> None:
    body = add(operator)
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.url, endpoint.events) == (URL, ["settlement.paid"])
    secret = endpoints.secret_of(endpoint, 1)
    assert secret in body.replace("&#x2B;", "+").replace("&#x3D;", "=")
    page = operator.get(reverse("admin:vouchers_webhookendpoint_change", args=[endpoint.pk]))
    assert page.status_code == 200
    assert "whsec_" not in page.content.decode()


def test_what_cannot_be_an_endpoint_is_refused_in_words(operator: Client) -> None:
    assert "https://" in add(operator, url="http://pos.example/")
    assert "回调地址须属于" in add(operator, channel_code="app")
    assert not WebhookEndpoint.objects.exists()


def test_an_endpoint_is_paused_and_its_secret_changed(operator: Client) -> None:
    add(operator)
    endpoint = WebhookEndpoint.objects.get()
    confirm(
        operator,
        "webhookendpoint_change_it",
        endpoint.pk,
        url=URL,
        events=["campaign.changed"],
        state="paused",
    )
    body = confirm(operator, "webhookendpoint_rotate", endpoint.pk, overlap_h="1")
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.events) == ("paused", ["campaign.changed"])
    assert endpoint.secret_number == 2
    assert "whsec_" in body
    assert "whsec_" in confirm(operator, "webhookendpoint_show_secret", endpoint.pk)


def test_one_message_or_a_range_is_sent_again(operator: Client) -> None:
    add(operator)
    endpoint, message = WebhookEndpoint.objects.get(), delivered()
    page = operator.get(reverse("admin:vouchers_outbox_change", args=[message.pk]))
    assert page.status_code == 200
    confirm(operator, "outbox_send_again", message.pk)
    message.refresh_from_db()
    assert message.sent_at is None
    Outbox.objects.update(sent_at=NOON)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    body = confirm(
        operator,
        "webhookendpoint_replay_range",
        endpoint.pk,
        from_at_0="2026-01-01",
        from_at_1="00:00",
        until_at_0=tomorrow,
        until_at_1="00:00",
    )
    assert "1 条消息" in body
    assert Outbox.objects.filter(sent_at=None).count() == 1


def test_an_auditor_sees_endpoints_and_changes_none() -> None:
    endpoint = endpoints.add_endpoint(
        url=URL, events=["settlement.paid"], merchant=cast.huilian(), at=NOON
    )
    audrey = signed_in(cast.member("audrey", "auditor"))
    page = audrey.get(reverse("admin:vouchers_webhookendpoint_changelist"))
    assert URL in page.content.decode()
    for name in ("change_it", "show_secret", "rotate", "replay_range"):
        address = reverse(f"admin:vouchers_webhookendpoint_{name}", args=[endpoint.pk])
        assert audrey.post(address, {"_form_submitted": "on"}).status_code == 403
