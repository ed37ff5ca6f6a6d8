"""A resident's history in Django's own log: what was done, when, and by whom."""

import json
from datetime import datetime

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType

from vouchers.models import Resident


def note(*, resident: Resident, by: User, what: str, at: datetime) -> None:
    """Leave a line in the history, in the caller's transaction."""
    LogEntry.objects.create(
        user=by,
        action_time=at,
        action_flag=CHANGE,
        content_type=ContentType.objects.get_for_model(Resident),
        object_id=str(resident.pk),
        object_repr=resident.external_id,
        change_message=json.dumps([{"changed": {"fields": [what]}}]),
    )
