"""Webhooks: endpoints of merchants and channels, events written with what they report on, signed
POSTs that reach no private network."""

from vouchers.services.webhooks.events import (
    Event,
    Messages,
    messages_of,
    publish,
    send_messages,
)
from vouchers.services.webhooks.listeners import LISTENERS

__all__ = ["LISTENERS", "Event", "Messages", "messages_of", "publish", "send_messages"]
