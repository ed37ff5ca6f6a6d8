"""Endpoints of merchants and channels: added, changed, their secrets; messages replayed."""

import base64
import hashlib
import hmac
import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import F

from merchants.errors import Refused
from merchants.models import Merchant
from vouchers.models import Outbox, WebhookEndpoint
from vouchers.models.webhooks import HTTPS_ONLY
from vouchers.rules.webhooks import EventType
from vouchers.services.refusals import refused_by_database
from vouchers.services.webhooks.listeners import LISTENERS

INVALID: Final = "webhook_invalid"
State = WebhookEndpoint.State


def add_endpoint(
    *,
    url: str,
    events: Collection[str],
    at: datetime,
    merchant: Merchant | None = None,
    channel_code: str = "",
    is_test: bool = False,
) -> WebhookEndpoint:
    """A new endpoint of a merchant, or of a channel.

    Refuses `webhook_invalid`: an address that is not https, carries a password or has a port that
    there is not, an event that does not exist or none at all, no owner or two, an address that the
    owner has already.
    """
    _check(url, events)
    with refused_by_database(), transaction.atomic():
        endpoint = WebhookEndpoint.objects.create(
            merchant=merchant,
            channel_code=channel_code,
            url=url,
            events=sorted(events),
            is_test=is_test,
            created_at=at,
        )
    LISTENERS.clear()
    return endpoint


@transaction.atomic
def change_endpoint(
    *, endpoint: WebhookEndpoint, url: str, events: Collection[str], state: str
) -> None:
    """Change an endpoint's address, its events and whether it is active. One that becomes active
    again is tried at once, and gets what waited. Refuses `webhook_invalid`."""
    _check(url, events)
    held = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
    if held.state != State.ACTIVE and state == State.ACTIVE:
        held.failures, held.failing_since_at, held.rests_until_at = 0, None, None
    held.url, held.events, held.state = url, sorted(events), state
    with refused_by_database(), transaction.atomic():
        held.save()
    LISTENERS.clear()
    endpoint.refresh_from_db()


@transaction.atomic
def rotate_secret(*, endpoint: WebhookEndpoint, overlap_s: int, at: datetime) -> str:
    """Give an endpoint a new secret and return it. For `overlap_s` seconds messages are signed with
    the one before, too."""
    held = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
    held.secret_number += 1
    held.previous_secret_until_at = at + timedelta(seconds=overlap_s) if overlap_s else None
    held.save(update_fields=["secret_number", "previous_secret_until_at"])
    endpoint.refresh_from_db()
    return secret_of(held, held.secret_number)


def secret_of(endpoint: WebhookEndpoint, number: int) -> str:
    """A secret of an endpoint in the spelling of Standard Webhooks.

    Derived from the installation's key, so that it need not be stored.
    """
    text = f"webhook endpoint|{settings.HUIMIN_CELL}|{endpoint.pk}|{number}"
    key = hmac.digest(settings.HUIMIN_PII_KEY, text.encode(), hashlib.sha256)
    return f"whsec_{base64.b64encode(key).decode()}"


def secrets_of(endpoint: WebhookEndpoint, *, at: datetime) -> Sequence[str]:
    """What signs a message at `at`: the secret in force, and during an overlap the one before."""
    number, until_at = endpoint.secret_number, endpoint.previous_secret_until_at
    numbers = [number, number - 1] if until_at is not None and at < until_at else [number]
    return [secret_of(endpoint, one) for one in numbers]


def replay(*, message: Outbox) -> bool:
    """Send a message once more, under the same id; False if it still waits, or isn't an event."""
    return bool(_replay(message_ids=[message.pk]))


def replay_range(*, endpoint: WebhookEndpoint, from_at: datetime, until_at: datetime) -> int:
    """Send again what an endpoint was to get of `from_at` ≤ created < `until_at`, delivered or
    given up; returns how many."""
    created = Outbox.objects.filter(
        endpoint=endpoint, created_at__gte=from_at, created_at__lt=until_at
    )
    return _replay(message_ids=list(created.values_list("pk", flat=True)))


def _replay(*, message_ids: Sequence[int]) -> int:
    """`tries` goes on counting, since it is the fencing token of the sweeps."""
    done = Outbox.objects.filter(pk__in=message_ids, endpoint__isnull=False).exclude(
        sent_at=None, given_up_at=None
    )
    return done.update(
        sent_at=None, given_up_at=None, lease_until_at=None, tries_before=F("tries"), last_error=""
    )


def _can_be_connected(url: str) -> bool:
    """Whether its port, if it has one, is a number that a port can have."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def _check(url: str, events: Collection[str]) -> None:
    if not re.fullmatch(HTTPS_ONLY, url) or len(url) > 300 or not url.isascii():
        raise Refused(INVALID, "endpoint_is_https", url=url)
    if not _can_be_connected(url):
        raise Refused(INVALID, "endpoint_has_port", url=url)
    unknown = set(events) - set(EventType)
    if unknown or not events:
        raise Refused(INVALID, "event_unknown", event=min(unknown, default=""))
