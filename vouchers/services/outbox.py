"""Messages sent after the commit that queued them: leased one by one, sent at least once.

A recipient is an e-mail address, or an https address that gets a POST signed as Standard Webhooks
says (standardwebhooks.com); its `webhook-id` is the message's number, so that a recipient can drop
duplicates.
"""

import base64
import hashlib
import hmac
import json
import ssl
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext
from standardwebhooks import Webhook

from vouchers.models import Outbox
from vouchers.rules.campaigns.terms import canonical_json

log = structlog.get_logger(__name__)

HTTPS: Final = "https://"
TIMEOUT_S: Final = 10
LEASE_S: Final = 3 * TIMEOUT_S
"""How long a message belongs to the sweep that leased it; far more than one delivery takes."""
RETRY_S: Final = 60
RETRY_MAX_S: Final = 3600
ERROR_LENGTH: Final = 200


class NotDeliveredError(Exception):
    """Delivery failed; the message is the recipient's answer."""


def lease_message(*, at: datetime) -> Outbox | None:
    """Lease the next message that is due, least tried first; None when there is none.

    Sweeps may overlap: a leased message is not due for another sweep until LEASE_S are over.
    """
    with transaction.atomic():
        due = Outbox.objects.filter(
            Q(lease_until_at=None) | Q(lease_until_at__lte=at), sent_at=None
        ).select_for_update(no_key=True, skip_locked=True)
        message = due.order_by("tries", "id").first()
        if message is None:
            return None
        message.lease_until_at = at + timedelta(seconds=LEASE_S)
        message.save(update_fields=["lease_until_at"])
    return message


def deliver(*, message: Outbox, at: datetime) -> bool:
    """Send a leased message; whether the recipient took it.

    A message that fails keeps the error and is due again after RETRY_S, doubled with every try up
    to RETRY_MAX_S; it delays no other message. `tries` is the fencing token: what a sweep with an
    outdated lease reports is not written.
    """
    leased = Outbox.objects.filter(pk=message.pk, sent_at=None, tries=message.tries)
    tries = message.tries + 1
    try:
        _deliver(message, at)
    except (NotDeliveredError, OSError, httpx.HTTPError, httpx.InvalidURL) as error:
        log.warning("message_not_sent", message=message.pk, reason=str(error))
        wait_s = min(RETRY_S * 2**message.tries, RETRY_MAX_S)
        leased.update(
            tries=tries,
            last_error=str(error)[:ERROR_LENGTH],
            lease_until_at=at + timedelta(seconds=wait_s),
        )
        return False
    return bool(leased.update(sent_at=at, tries=tries, last_error="", lease_until_at=None))


def webhook_secret(url: str) -> str:
    """What signs the messages to an https recipient, in the spelling of Standard Webhooks.

    Derived from the installation's key and the address, so that it need not be stored.
    """
    key = hmac.digest(settings.HUIMIN_PII_KEY, f"webhook|{url}".encode(), hashlib.sha256)
    return f"whsec_{base64.b64encode(key).decode()}"


def _deliver(message: Outbox, at: datetime) -> None:
    recipient = message.payload["to"]
    body = canonical_json(message.payload["body"])
    if recipient.startswith(HTTPS):
        _post(recipient, f"msg_{message.pk}", body, at)
    elif "@" in recipient:
        _mail(recipient, message, body)
    else:
        raise NotDeliveredError(f"no way to reach {recipient}")


def _mail(address: str, message: Outbox, body: bytes) -> None:
    """A sentence for people, and a JSON line that the verifier reads."""
    facts: dict[str, Any] = json.loads(body)
    subject = gettext("Anchor of the audit chain: %(campaign)s, %(day)s") % facts
    sentence = gettext(
        "Keep this message. An auditor of an exported pack of this campaign compares it with the"
        " line below (python verify.pyz PACK --anchors MESSAGES)."
    )
    EmailMessage(
        subject=subject,
        body=f"{sentence}\n\n{body.decode()}\n",
        to=[address],
        headers={"Message-ID": f"<{message.topic}.{message.pk}@huimin>"},
    ).send()


def _post(url: str, message_id: str, body: bytes, at: datetime) -> None:
    """One signed POST; redirects are not followed and the body of the answer is not read."""
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(webhook_secret(url)).sign(message_id, at, body.decode()),
    }
    # The authorities this machine trusts, or those of SSL_CERT_FILE, instead of httpx's own list.
    trusted = ssl.create_default_context()
    with httpx.stream(
        "POST", url, content=body, headers=headers, timeout=TIMEOUT_S, verify=trusted
    ) as response:
        if not response.is_success:
            raise NotDeliveredError(f"HTTP {response.status_code}")
