"""Wrong codes forgiven: a till that was slowed down by mistake goes on at once."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_noop as _

from vouchers.models import WrongCodes
from vouchers.rules.redemption.shown import window_no
from vouchers.services.history import note_without_row
from vouchers.services.roles import require_permission
from vouchers.states import WrongCodeKind


def forgive_wrong_codes(
    *, kind: WrongCodeKind, subject_id: int, reason: str, by: User, at: datetime
) -> int:
    """Forget the wrong codes counted of one key, store or voucher in this hour; returns how many
    there were. Who did it and why stays in the log. Refuses `not_permitted`."""
    require_permission(by, "vouchers.delete_wrongcodes", at=at)
    with transaction.atomic():
        counted = WrongCodes.objects.select_for_update().filter(
            kind=kind.value, subject_id=subject_id, window_no__gte=window_no(at)
        )
        forgiven = sum(row.wrong_count for row in counted)
        counted.delete()
        if forgiven:
            subject = f"{kind.name.lower()} {subject_id}"
            what = _("wrong codes forgiven, in all %(count)s")
            note_without_row(
                WrongCodes, subject, by=by, what=what, at=at, count=forgiven, reason=reason
            )
    return forgiven
