"""Merges: an explicit, reversible statement that two residents are one person for limits."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_noop as _

from merchants.errors import Refused
from vouchers.models import Resident, ResidentMerge
from vouchers.models.residents.residents import FIND_SAME_PEOPLE
from vouchers.rules.residents import are_apart
from vouchers.services.history import note
from vouchers.services.residents.standing import CHANGE
from vouchers.services.roles import require_permission
from vouchers.sql.pipeline import raw_connection


def merge(
    *, member: Resident, kept: Resident, reason: str, by: User, at: datetime
) -> ResidentMerge:
    """Count `member` as `kept` from now on; their limits then count over both.

    Refuses `not_permitted`, `merge_with_self`, `not_found` when one is of the sandbox and the other
    is not, and `already_merged` when live merges say so already or `member` is counted as another
    resident.
    """
    require_permission(by, CHANGE, at=at, on=member)
    require_permission(by, CHANGE, at=at, on=kept)
    if member.pk == kept.pk:
        raise Refused("merge_with_self")
    if are_apart(member, kept):
        raise Refused("not_found", "resident_unknown")
    with transaction.atomic():
        _lock(member.pk, kept.pk)
        found = FIND_SAME_PEOPLE.send(raw_connection(), {"resident_ids": [member.pk]})
        is_same = kept.pk in {other_id for _, other_id in found.rows()}
        if is_same or ResidentMerge.objects.filter(member=member, undone_at=None).exists():
            raise Refused("already_merged", resident=member.external_id)
        merged = ResidentMerge.objects.create(
            kept=kept, member=member, reason=reason, merged_by=by.get_username(), merged_at=at
        )
        what = _("merged with resident %(resident)s")
        note(member, by=by, what=what, at=at, resident=kept.external_id, reason=reason)
    return merged


def undo_merge(*, merge: ResidentMerge, by: User, at: datetime) -> None:
    """Count the two apart again; what each has used stays on its own counters.

    Refuses `not_permitted`, and `not_merged` for a merge that was undone before.
    """
    require_permission(by, CHANGE, at=at, on=merge)
    with transaction.atomic():
        _lock(merge.member_id, merge.kept_id)
        live = ResidentMerge.objects.filter(pk=merge.pk, undone_at=None)
        if not live.update(undone_by=by.get_username(), undone_at=max(at, merge.merged_at)):
            raise Refused("not_merged", resident=merge.member.external_id)
        what = _("merge with resident %(resident)s undone")
        note(merge.member, by=by, what=what, at=at, resident=merge.kept.external_id)
    merge.refresh_from_db(fields=["undone_by", "undone_at"])


def _lock(*resident_ids: int) -> None:
    """Lock residents in id order, for as long as the caller's transaction lasts."""
    residents = Resident.objects.select_for_update(no_key=True).filter(pk__in=resident_ids)
    list(residents.order_by("pk").values_list("pk"))
