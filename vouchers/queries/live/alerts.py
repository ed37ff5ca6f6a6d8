"""Alerts of the live screen: signals and holds, by number."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import Max, Q, QuerySet

from vouchers.models import Hold, Signal
from vouchers.queries.roles import CITY, Area
from vouchers.states import RiskSetting


class Cursor(NamedTuple):
    """The newest signal and the newest hold that a viewer has seen."""

    signal_id: int = 0
    hold_id: int = 0


@dataclass(frozen=True, slots=True)
class Alert:
    """A signal or a hold. `kind` and `verdict` are empty for holds, `reason` for signals;
    `district` and `street` are the codes of where its store lies."""

    id: str
    cursor: Cursor
    at: datetime
    campaign: str
    store: str
    district: int | None
    street: int | None
    order_no: str
    kind: str = ""
    setting: str = ""
    verdict: str = ""
    reason: str = ""
    # The number of its case; 0 until a sweep has put it into one.
    case_no: int = 0

    @property
    def is_live(self) -> bool:
        """Whether it had an effect; rules in shadow only record."""
        return self.setting != RiskSetting.SHADOW


def newest_cursor() -> Cursor:
    """The numbers of the newest signal and hold that can be seen."""
    signal_id = Signal.objects.aggregate(newest=Max("id"))["newest"]
    hold_id = Hold.objects.aggregate(newest=Max("id"))["newest"]
    return Cursor(signal_id or 0, hold_id or 0)


class Numbers(NamedTuple):
    """Signals and holds by number."""

    signals: frozenset[int] = frozenset()
    holds: frozenset[int] = frozenset()

    def without(self, others: "Numbers") -> "Numbers":
        """Those that are not among others."""
        return Numbers(self.signals - others.signals, self.holds - others.holds)


def numbers_after(cursor: Cursor, *, overlap: int) -> Numbers:
    """Those greater than the cursor's, and the last so many below it.

    Numbers become visible out of their order, as transactions end: who asks again drops those that
    are known already.
    """
    return Numbers(
        frozenset(
            Signal.objects.filter(pk__gt=cursor.signal_id - overlap).values_list("id", flat=True)
        ),
        frozenset(
            Hold.objects.filter(pk__gt=cursor.hold_id - overlap).values_list("id", flat=True)
        ),
    )


def alerts_numbered(numbers: Numbers) -> list[Alert]:
    """These, oldest first, but those of the sandbox."""
    found: list[Alert] = []
    if numbers.signals:
        found += map(_of_signal, _signals().filter(pk__in=numbers.signals))
    if numbers.holds:
        found += map(_of_hold, _holds().filter(pk__in=numbers.holds))
    return _in_order(found)


def alerts_since(
    cursor: Cursor,
    *,
    area: Area = CITY,
    overlap: int = 0,
    overlap_since: datetime | None = None,
    most: int,
) -> list[Alert]:
    """Those of an area greater than the cursor's, oldest first, at most the `most` newest of each
    kind; with an `overlap` also those of the last so many below it that were raised after an
    instant."""
    signals = Q(pk__gt=cursor.signal_id)
    holds = Q(pk__gt=cursor.hold_id)
    if overlap_since is not None:
        signals |= Q(pk__gt=cursor.signal_id - overlap, raised_at__gt=overlap_since)
        holds |= Q(pk__gt=cursor.hold_id - overlap, opened_at__gt=overlap_since)
    return _in_order(
        [
            *map(_of_signal, area.shown(_signals().filter(signals)).order_by("-id")[:most]),
            *map(_of_hold, area.shown(_holds().filter(holds)).order_by("-id")[:most]),
        ]
    )


def _signals() -> QuerySet[Signal]:
    rows = Signal.objects.filter(campaign__is_test=False)
    return rows.select_related("campaign", "store", "membership")


def _holds() -> QuerySet[Hold]:
    rows = Hold.objects.filter(redemption__campaign__is_test=False)
    return rows.select_related("redemption__campaign", "redemption__store")


def _in_order(found: list[Alert]) -> list[Alert]:
    return sorted(found, key=lambda alert: (alert.at, alert.id))


def _of_signal(row: Signal) -> Alert:
    return Alert(
        id=f"signal-{row.pk}",
        cursor=Cursor(signal_id=row.pk),
        at=row.raised_at,
        campaign=row.campaign.name,
        store=row.store.name,
        district=row.store.district_id,
        street=row.store.street_id,
        order_no=row.order_no,
        kind=row.kind,
        setting=row.setting,
        verdict=row.verdict,
        case_no=row.membership.case_id if hasattr(row, "membership") else 0,
    )


def _of_hold(row: Hold) -> Alert:
    return Alert(
        id=f"hold-{row.pk}",
        cursor=Cursor(hold_id=row.pk),
        at=row.opened_at,
        campaign=row.redemption.campaign.name,
        store=row.redemption.store.name,
        district=row.redemption.store.district_id,
        street=row.redemption.store.street_id,
        order_no=row.redemption.order_no,
        reason=row.reason,
    )
