"""Messages sent after the commit that queued them: leased one by one, sent at least once.

A recipient is an e-mail address, an https address, or an endpoint of a merchant or channel. The
last two get a POST signed as Standard Webhooks says (standardwebhooks.com); its `webhook-id` is the
message's number, so that a recipient can drop duplicates.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import httpx
import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext

from vouchers.models import Outbox, WebhookDelivery, WebhookEndpoint
from vouchers.rules import webhooks as rules
from vouchers.rules.campaigns.terms import canonical_json
from vouchers.services.webhooks.addresses import ForbiddenAddressError
from vouchers.services.webhooks.endpoints import secrets_of
from vouchers.services.webhooks.listeners import LISTENERS
from vouchers.services.webhooks.posting import TIMEOUT_S, Reply, post

log = structlog.get_logger(__name__)

HTTPS: Final = "https://"
LEASE_S: Final = 3 * TIMEOUT_S
"""How long a message belongs to the sweep that leased it; far more than one delivery takes."""
RETRY_S: Final = 60
RETRY_MAX_S: Final = 3600
ERROR_LENGTH: Final = 200
GONE: Final = 410
FAILURES: Final = (ForbiddenAddressError, OSError, httpx.HTTPError, httpx.InvalidURL)
ACTIVE: Final = WebhookEndpoint.State.ACTIVE


class Outcome(NamedTuple):
    """What became of one try: without `error` the recipient took the message."""

    error: str
    reply: Reply | None = None
    took_ms: int = 0

    @property
    def retry_after_s(self) -> int | None:
        """What the recipient asks for."""
        return self.reply.retry_after_s if self.reply else None


def lease_message(*, at: datetime) -> Outbox | None:
    """Lease the next message that is due, least tried first; None when there is none.

    Sweeps may overlap: a leased message is not due for another sweep until LEASE_S are over. What
    is for an endpoint that rests, or is not active, waits.
    """
    is_free = Q(lease_until_at=None) | Q(lease_until_at__lte=at)
    rests = Q(endpoint__rests_until_at__gt=at) | ~Q(endpoint__state=ACTIVE)
    with transaction.atomic():
        due = (
            Outbox.objects.filter(is_free, sent_at=None, given_up_at=None)
            .exclude(rests, endpoint__isnull=False)
            .select_for_update(no_key=True, skip_locked=True, of=("self",))
        )
        message = due.order_by("tries", "id").first()
        if message is None:
            return None
        message.lease_until_at = at + timedelta(seconds=LEASE_S)
        message.save(update_fields=["lease_until_at"])
    return message


def deliver(*, message: Outbox, at: datetime) -> bool:
    """Send a leased message; whether the recipient took it.

    A message that fails keeps the error and is due again later: an anchor after RETRY_S, doubled
    with every try up to RETRY_MAX_S, for ever; an event by the table of `rules/webhooks` until it
    is given up. It delays no other message: an endpoint that fails rests meanwhile, and is disabled
    when it is gone (410) or has failed for days. Every try of an event is logged. `tries` is the
    fencing token: what a sweep with an outdated lease reports is not written.
    """
    leased = Outbox.objects.filter(pk=message.pk, sent_at=None, tries=message.tries)
    outcome = _deliver(message, at)
    tries = message.tries + 1
    if outcome.error:
        log.warning("message_not_sent", message=message.pk, reason=outcome.error)
        written = {"last_error": outcome.error, **_due_again(message, outcome, at)}
    else:
        written = {"last_error": "", "lease_until_at": None, "sent_at": at}
    with transaction.atomic():
        is_own = bool(leased.update(tries=tries, **written))
        if is_own and message.endpoint_id is not None:
            _log(message, outcome, at)
            _note_health(message.endpoint_id, outcome, at)
    return is_own and not outcome.error


def _due_again(message: Outbox, outcome: Outcome, at: datetime) -> dict[str, Any]:
    """When a message that failed is tried again, or that it is not."""
    if message.endpoint_id is None:
        wait_s: int | None = min(RETRY_S * 2**message.tries, RETRY_MAX_S)
    elif outcome.reply is not None and outcome.reply.status == GONE:
        wait_s = 0
    else:
        wait_s = rules.wait_s(
            failed_tries=message.tries - message.tries_before + 1,
            message_id=message.pk,
            retry_after_s=outcome.retry_after_s,
        )
    if wait_s is None:
        return {"given_up_at": at, "lease_until_at": None}
    return {"lease_until_at": at + timedelta(seconds=wait_s)}


def _log(message: Outbox, outcome: Outcome, at: datetime) -> None:
    WebhookDelivery.objects.create(
        message=message,
        at=at,
        status=outcome.reply.status if outcome.reply else None,
        error=outcome.error,
        took_ms=outcome.took_ms,
    )


def _note_health(endpoint_id: int, outcome: Outcome, at: datetime) -> None:
    """Let an endpoint that fails rest, disable one that is gone, forget what is over."""
    found = WebhookEndpoint.objects.filter(pk=endpoint_id)
    if not outcome.error:
        found.filter(failures__gt=0).update(failures=0, failing_since_at=None, rests_until_at=None)
        return
    found.update(
        failures=F("failures") + 1, failing_since_at=Coalesce("failing_since_at", Value(at))
    )
    endpoint = found.get()
    assert endpoint.failing_since_at is not None
    rest_s = rules.rest_s(failures=endpoint.failures, retry_after_s=outcome.retry_after_s)
    found.update(rests_until_at=at + timedelta(seconds=rest_s))
    is_gone = outcome.reply is not None and outcome.reply.status == GONE
    if is_gone or rules.is_dead(failing_since_at=endpoint.failing_since_at, at=at):
        found.filter(state=ACTIVE).update(state=WebhookEndpoint.State.DISABLED)
        LISTENERS.clear()
        log.error("webhook_endpoint_disabled", endpoint=endpoint_id, reason=outcome.error)


def webhook_secret(url: str) -> str:
    """What signs the anchors to an https recipient, in the spelling of Standard Webhooks.

    Derived from the installation's key and the address, so that it need not be stored.
    """
    key = hmac.digest(settings.HUIMIN_PII_KEY, f"webhook|{url}".encode(), hashlib.sha256)
    return f"whsec_{base64.b64encode(key).decode()}"


def _deliver(message: Outbox, at: datetime) -> Outcome:
    body = canonical_json(message.payload["body"])
    endpoint = message.endpoint
    if endpoint is not None:
        return _post(message, endpoint.url, secrets_of(endpoint, at=at), body, at)
    recipient = message.payload["to"]
    if recipient.startswith(HTTPS):
        return _post(message, recipient, [webhook_secret(recipient)], body, at)
    if "@" in recipient:
        return _mail(recipient, message, body)
    return Outcome(f"no way to reach {recipient}"[:ERROR_LENGTH])


def _mail(address: str, message: Outbox, body: bytes) -> Outcome:
    """A sentence for people, and a JSON line that the verifier reads."""
    facts: dict[str, Any] = json.loads(body)
    subject = gettext("Anchor of the audit chain: %(campaign)s, %(day)s") % facts
    sentence = gettext(
        "Keep this message. An auditor of an exported pack of this campaign compares it with the"
        " line below (python verify.pyz PACK --anchors MESSAGES)."
    )
    letter = EmailMessage(
        subject=subject,
        body=f"{sentence}\n\n{body.decode()}\n",
        to=[address],
        headers={"Message-ID": f"<{message.topic}.{message.pk}@huimin>"},
    )
    try:
        letter.send()
    except OSError as error:
        return Outcome(str(error)[:ERROR_LENGTH])
    return Outcome("")


def _post(message: Outbox, url: str, secrets: Sequence[str], body: bytes, at: datetime) -> Outcome:
    began_s = time.monotonic()
    try:
        reply = post(url=url, message_id=f"msg_{message.pk}", body=body, secrets=secrets, at=at)
    except FAILURES as error:
        said = str(error) or type(error).__name__
        return Outcome(said[:ERROR_LENGTH], None, _ms_since(began_s))
    error_text = "" if reply.is_success else f"HTTP {reply.status}"
    return Outcome(error_text, reply, _ms_since(began_s))


def _ms_since(began_s: float) -> int:
    return int((time.monotonic() - began_s) * 1000)
