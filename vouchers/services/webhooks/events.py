"""Events as rows of the outbox, written in the transaction of what they report on."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection

from vouchers.models import Allocation
from vouchers.models.webhooks import INSERT_MESSAGES
from vouchers.rules.webhooks import EventType
from vouchers.services.webhooks.listeners import LISTENERS, Listener, Listeners
from vouchers.sql.pipeline import pipeline
from vouchers.sql.wire import Wire

Messages = Mapping[str, Sequence[Any]]
"""The parameters of INSERT_MESSAGES."""

_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at a merchant, or in a whole campaign.

    Its type and `subject` together identify it; `data` is what a recipient reads, and names
    residents only where it goes to channels alone. A voucher's channel is found by `allocation_id`,
    or named.
    """

    type: EventType
    subject: str
    at: datetime
    is_test: bool
    data: Mapping[str, Any]
    merchant_ids: Collection[int] = ()
    allocation_id: int | None = None
    channel: str | None = None
    is_for_all_channels: bool = False


def publish(events: Sequence[Event]) -> None:
    """Queue a message for every endpoint that subscribes, inside the caller's transaction."""
    assert connection.in_atomic_block
    messages = messages_of(events)
    if messages is not None:
        with pipeline() as raw:
            send_messages(raw, messages)


def messages_of(events: Sequence[Event]) -> Messages | None:
    """The rows of the outbox that events make; None without a subscriber."""
    if not events:
        return None
    listeners = LISTENERS.current()
    channels = _channels(events, listeners)
    rows = [
        (event.type, f"{event.type}/{event.subject}/{listener.id}", listener.id, body, event.at)
        for event in events
        for body in [_body(event)]
        for listener in _listeners_of(event, listeners, channels)
        if event.type in listener.events
    ]
    if not rows:
        return None
    columns = ("topics", "keys", "endpoint_ids", "payloads", "ats")
    return dict(zip(columns, zip(*rows, strict=True), strict=True))


def send_messages(raw: Wire, messages: Messages) -> None:
    """Insert the messages by one statement; one that is queued already stays as it is."""
    INSERT_MESSAGES.send(raw, messages)


def _body(event: Event) -> str:
    """What is signed and sent: `{"body": {"type": …, "timestamp": …, "data": …}}`."""
    body = {"type": event.type, "timestamp": event.at, "data": event.data}
    return _encode({"body": body}).decode()


def _listeners_of(
    event: Event, listeners: Listeners, channels: Mapping[int, str]
) -> Iterable[Listener]:
    for merchant_id in event.merchant_ids:
        yield from listeners.of_merchants.get((merchant_id, event.is_test), ())
    for (channel, is_test), found in listeners.of_channels.items():
        own = event.channel or channels.get(event.allocation_id or 0)
        if is_test == event.is_test and (event.is_for_all_channels or own == channel):
            yield from found


def _channels(events: Sequence[Event], listeners: Listeners) -> Mapping[int, str]:
    """By allocation the listening channel its vouchers were issued through."""
    ids = {event.allocation_id for event in events if event.allocation_id is not None}
    codes = {channel for channel, _ in listeners.of_channels}
    if not ids or not codes:
        return {}
    known = Allocation.objects.filter(pk__in=ids, channel__in=codes)
    return {pk: channel or "" for pk, channel in known.values_list("pk", "channel")}
