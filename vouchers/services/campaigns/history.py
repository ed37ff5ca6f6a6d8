"""A campaign's history in Django's own log: what was done to it, when, and by whom."""

import json
from datetime import datetime
from typing import Final

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType

from vouchers.models import Campaign

CLOCK: Final = "clock"
"""The user name under which the history records what scheduled jobs do."""


def note(*, campaign: Campaign, by: User, what: str, at: datetime) -> None:
    """Write one line of the history, in the caller's transaction."""
    LogEntry.objects.create(
        user=by,
        action_time=at,
        action_flag=CHANGE,
        content_type=ContentType.objects.get_for_model(Campaign),
        object_id=str(campaign.pk),
        object_repr=campaign.name,
        change_message=json.dumps([{"changed": {"fields": [what]}}]),
    )


def clock() -> User:
    """The actor of scheduled jobs: an inactive user without a usable password or any role."""
    user, _is_new = User.objects.get_or_create(
        username=CLOCK, defaults={"is_active": False, "password": make_password(None)}
    )
    return user
