"""Wrong codes forgiven: a till that was slowed down by mistake goes on at once."""

import json
from datetime import datetime

from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from vouchers.models import WrongCodes
from vouchers.rules.redemption.shown import window_no
from vouchers.services.roles import require_permission
from vouchers.states import WrongCodeKind


def forgive_wrong_codes(
    *, kind: WrongCodeKind, subject_id: int, reason: str, by: User, at: datetime
) -> int:
    """Forget the wrong codes counted of one key, store or voucher in this hour; returns how many
    there were. Who did it and why stays in the log. Refuses `not_permitted`."""
    require_permission(by, "vouchers.delete_wrongcodes")
    with transaction.atomic():
        counted = WrongCodes.objects.select_for_update().filter(
            kind=kind.value, subject_id=subject_id, window_no__gte=window_no(at)
        )
        forgiven = sum(row.wrong_count for row in counted)
        counted.delete()
        if forgiven:
            what = f"{forgiven} wrong codes forgiven: {reason}"
            LogEntry.objects.create(
                user=by,
                action_time=at,
                action_flag=DELETION,
                content_type=ContentType.objects.get_for_model(WrongCodes),
                object_repr=f"{kind.name.lower()} {subject_id}",
                change_message=json.dumps([{"deleted": {"name": "wrong codes", "object": what}}]),
            )
    return forgiven
