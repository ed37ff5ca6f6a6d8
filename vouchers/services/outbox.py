"""Messages sent after the commit that queued them: at least once, tried again by every sweep.

A recipient is an e-mail address, or an https address that gets a POST signed as Standard Webhooks
says (standardwebhooks.com); its `webhook-id` is the message's number, so that whoever gets it twice
knows.
"""

import base64
import hashlib
import hmac
import json
import smtplib
import urllib.error
import urllib.request
from datetime import datetime
from http.client import HTTPException
from typing import Any, Final

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.translation import gettext
from standardwebhooks import Webhook

from vouchers.models import Outbox
from vouchers.rules.campaigns import canonical_json

log = structlog.get_logger(__name__)

HTTPS: Final = "https://"
TIMEOUT_S: Final = 10
MOST_MESSAGES: Final = 200
"""Of one sweep."""
ERROR_LENGTH: Final = 200


class NotDeliveredError(Exception):
    """The recipient did not take it, with what was said."""


def send_due(*, at: datetime, most: int = MOST_MESSAGES) -> int:
    """Send what waits, what was tried least first; the number of messages delivered.

    A message that fails keeps its error and waits for the next sweep; it keeps no other waiting.
    """
    sent = 0
    for message in Outbox.objects.filter(sent_at=None).order_by("tries", "id")[:most]:
        unsent = Outbox.objects.filter(pk=message.pk, sent_at=None)
        try:
            _deliver(message, at)
        except (NotDeliveredError, OSError, HTTPException, smtplib.SMTPException) as error:
            log.warning("message_not_sent", message=message.pk, reason=str(error))
            unsent.update(tries=message.tries + 1, last_error=str(error)[:ERROR_LENGTH])
        else:
            sent += unsent.update(sent_at=at, tries=message.tries + 1, last_error="")
    return sent


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
    """The sentence is for the reader; the line in braces is what the verifier wants."""
    facts: dict[str, Any] = json.loads(body)
    subject = gettext("Anchor of the audit chain: %(campaign)s, %(day)s") % facts
    sentence = gettext(
        "Keep this message. Whoever checks an exported pack of this campaign holds it against the"
        " line below (python -m vouchers.verify FILE --anchors MESSAGES)."
    )
    EmailMessage(
        subject=subject,
        body=f"{sentence}\n\n{body.decode()}\n",
        to=[address],
        headers={"Message-ID": f"<{message.topic}.{message.pk}@huimin>"},
    ).send()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _post(url: str, message_id: str, body: bytes, at: datetime) -> None:
    signature = Webhook(webhook_secret(url)).sign(message_id, at, body.decode())
    request = urllib.request.Request(  # noqa: S310  # the caller has seen that it is https
        url,
        data=body,
        headers={
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature,
        },
    )
    try:
        urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_S).close()
    except urllib.error.HTTPError as error:
        raise NotDeliveredError(f"HTTP {error.code}") from error
