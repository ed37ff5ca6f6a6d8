"""A campaign's history in Django's own log: what was done to it, when, and by whom."""

import json
from datetime import datetime

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType

from vouchers.models import Campaign


def note(*, campaign: Campaign, by: User, what: str, at: datetime) -> None:
    """Leave a line in the history, in the caller's transaction."""
    LogEntry.objects.create(
        user=by,
        action_time=at,
        action_flag=CHANGE,
        content_type=ContentType.objects.get_for_model(Campaign),
        object_id=str(campaign.pk),
        object_repr=campaign.name,
        change_message=json.dumps([{"changed": {"fields": [what]}}]),
    )
