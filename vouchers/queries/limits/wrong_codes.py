"""Who sent wrong codes in this hour, and until when each has to wait for that."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from merchants.models import Credential, Store
from vouchers.models import Voucher, WrongCodes
from vouchers.rules.redemption.shown import FREE, Wrong, pause_s, window_no
from vouchers.states import WrongCodeKind

MOST_SHOWN: Final = 200


class Counted(NamedTuple):
    """The wrong codes of one key, store or voucher in this hour; `until_at` is None for one that
    need not wait."""

    kind: WrongCodeKind
    subject_id: int
    subject: str
    wrong_count: int
    last_at: datetime
    until_at: datetime | None


def wrong_codes_counted(*, at: datetime, free: int) -> list[Counted]:
    """Those who sent most come first, at most `MOST_SHOWN`; `free` wrong codes cost a till nothing.

    In the sandbox the hour, and the end of a wait, are those of a campaign's clock.
    """
    rows = WrongCodes.objects.filter(window_no__gte=window_no(at))
    counted = list(rows.order_by("-wrong_count", "kind", "subject_id")[:MOST_SHOWN])
    names = _names(counted)
    return [_counted(row, names, at, free) for row in counted]


def _counted(
    row: WrongCodes, names: dict[tuple[int, int], str], at: datetime, free: int
) -> Counted:
    kind = WrongCodeKind(row.kind)
    now = max(at, row.last_at)
    wait_s = pause_s(Wrong(row.wrong_count, row.last_at), now, free=free * FREE[kind])
    subject = names.get((row.kind, row.subject_id), str(row.subject_id))
    until_at = now + timedelta(seconds=wait_s) if wait_s else None
    return Counted(kind, row.subject_id, subject, row.wrong_count, row.last_at, until_at)


def _names(rows: Iterable[WrongCodes]) -> dict[tuple[int, int], str]:
    """By kind and subject: credentials and stores by name, vouchers by number."""
    ids: dict[int, list[int]] = {kind.value: [] for kind in WrongCodeKind}
    for row in rows:
        ids[row.kind].append(row.subject_id)
    keys: Sequence[int] = (WrongCodeKind.TERMINAL.value, WrongCodeKind.CALLER.value)
    wanted = [id_ for kind in keys for id_ in ids[kind]]
    credentials = dict(Credential.objects.filter(pk__in=wanted).values_list("id", "name"))
    stores = Store.objects.filter(pk__in=ids[WrongCodeKind.STORE.value])
    return {
        **{
            (kind, id_): credentials[id_]
            for kind in keys
            for id_ in ids[kind]
            if id_ in credentials
        },
        **{(WrongCodeKind.STORE.value, store.pk): str(store) for store in stores},
        **{
            (WrongCodeKind.VOUCHER.value, id_): str(Voucher(pk=id_))
            for id_ in ids[WrongCodeKind.VOUCHER.value]
        },
    }
