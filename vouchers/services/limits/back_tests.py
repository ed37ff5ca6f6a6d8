"""Back-tests requested, and worked off by workers; the answer is written once."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Min, Q, QuerySet

from merchants.models import StoreLocation, Terminal
from vouchers.models import BackTest, Campaign, Redemption, Refund, Signal, Tranche
from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.rules.limits.back_test import FROM_THE_START, Replay, check_back_test
from vouchers.rules.limits.limits import business_day
from vouchers.rules.limits.risk_rules import RiskRule
from vouchers.rules.limits.tallies import Place, RiskCase
from vouchers.rules.redemption.tills import Till
from vouchers.services.refusals import refuse
from vouchers.services.roles import require_permission
from vouchers.states import RiskKind, ThresholdBasis

RISK: Final = "vouchers.add_riskversion"
"""The permission to propose risk rules, and to try them."""
LEASE_S: Final = 60
STORES_KEPT: Final = 50
Clock = Callable[[], datetime]


class LostLeaseError(Exception):
    """Another worker has taken the back-test over; nothing was written."""


def request_back_test(
    *, campaign: Campaign, rule: RiskRule, first_day: date, last_day: date, by: User, at: datetime
) -> BackTest:
    """Ask what a rule would have noticed among the redemptions of some business days, both of them
    included.

    Refuses `not_permitted`, and `risk_rule_invalid` for parameters out of bounds, a rule whose
    facts are not kept, and fewer than one or more than 92 days.
    """
    require_permission(by, RISK, at=at)
    refuse(check_back_test(rule, (last_day - first_day).days + 1))
    return BackTest.objects.create(
        campaign=campaign,
        kind=rule.kind.value,
        rule=rule.document,
        first_day=first_day,
        last_day=last_day,
        requested_by=by.get_username(),
        requested_at=at,
    )


def work_off(*, clock: Clock) -> int:
    """Answer back-tests until none waits; returns how many. `clock` says the time, by which a lease
    is prolonged: one that a killed worker held is taken up after 60 s."""
    answered = 0
    while taken := _take(clock()):
        try:
            _answer(taken, clock)
            answered += 1
        except LostLeaseError:
            continue
    return answered


def _take(at: datetime) -> BackTest | None:
    with transaction.atomic():
        free = Q(lease_until_at=None) | Q(lease_until_at__lte=at)
        waiting = BackTest.objects.filter(free, finished_at=None).order_by("id")
        test = waiting.select_for_update(no_key=True, skip_locked=True).first()
        if test is not None:
            test.fence += 1
            test.lease_until_at = at + timedelta(seconds=LEASE_S)
            test.save(update_fields=["fence", "lease_until_at"])
    return test


def _write(test: BackTest, at: datetime, **values: object) -> None:
    until_at = at + timedelta(seconds=LEASE_S)
    held = BackTest.objects.filter(pk=test.pk, fence=test.fence, finished_at=None)
    if not held.update(lease_until_at=until_at, **values):
        raise LostLeaseError


@dataclass
class _Found:
    """What the rule has noticed so far."""

    seen: int = 0
    hits: Counter[int] = field(default_factory=Counter)
    subsidies_fen: Counter[int] = field(default_factory=Counter)
    known: int = 0


def _answer(test: BackTest, clock: Clock) -> None:
    rule = RiskRule.of(test.rule)
    days = list(_days(test, rule.kind))
    rows = Redemption.objects.filter(campaign=test.campaign_id)
    _write(
        test,
        clock(),
        total_count=rows.filter(business_day__range=(days[0], days[-1])).count(),
    )
    replay = Replay(rule, _places(test.campaign_id))
    facts = _Facts.of(test.campaign_id, test.campaign.zone, rule.kind)
    found, done = _Found(), 0
    for day in days:
        for row in _of_day(rows, day):
            facts.refund_until(row.redeemed_at, replay)
            _look(row, replay, facts, found, is_asked=day >= test.first_day)
            done += 1
        replay.end_day()
        _write(test, clock(), done_count=done)
    _write(test, clock(), result=_result(found), finished_at=clock())


def _days(test: BackTest, kind: RiskKind) -> Iterator[date]:
    first = test.first_day
    if kind in FROM_THE_START:
        first = min(first, business_day(test.campaign.starts_at, test.campaign.zone))
    for number in range((test.last_day - first).days + 1):
        yield first + timedelta(days=number)


def _of_day(rows: QuerySet[Redemption], day: date) -> Iterator[Redemption]:
    """Redemptions in order of time, also those undone later: the rules count them too."""
    return (
        rows.filter(business_day=day)
        .only(
            "id",
            "voucher_id",
            "store_id",
            "merchant_id",
            "resident_id",
            "shown_by_id",
            "caller_id",
            "terminal",
            "device",
            "order_kind",
            "order_amount_fen",
            "eligible_amount_fen",
            "discount_fen",
            "authorised_fen",
            "redeemed_at",
        )
        .order_by("redeemed_at", "id")
        .iterator(chunk_size=5_000)
    )


def _look(
    row: Redemption, replay: Replay, facts: "_Facts", found: _Found, *, is_asked: bool
) -> None:
    # What a till authorised is what the rules were asked about, not what it captured.
    discount_fen = row.discount_fen if row.authorised_fen is None else row.authorised_fen
    is_hit = replay.is_hit(facts.case(row, replay), discount_fen)
    if not is_asked:
        return
    found.seen += 1
    if is_hit:
        found.hits[row.store_id] += 1
        found.subsidies_fen[row.store_id] += row.discount_fen
        found.known += row.pk in facts.noticed


def _result(found: _Found) -> dict[str, object]:
    most = sorted(found.hits, key=lambda store_id: (-found.hits[store_id], store_id))
    return {
        "seen": found.seen,
        "hits": found.hits.total(),
        "subsidy_fen": found.subsidies_fen.total(),
        "known": found.known,
        "stores": [
            [store_id, found.hits[store_id], found.subsidies_fen[store_id]]
            for store_id in most[:STORES_KEPT]
        ],
        "store_count": len(most),
    }


@dataclass
class _Facts:
    """What a redemption's row does not say itself: its threshold, which tills its store has (by
    today), earlier refunds; and which redemptions the rule noticed then."""

    campaign_id: int
    zone: str
    thresholds: dict[int, tuple[int, str]]
    tills: dict[int, list[tuple[str, bool]]]
    refunds: list[tuple[datetime, int]]
    noticed: frozenset[int]
    next_refund: int = 0

    @classmethod
    def of(cls, campaign_id: int, zone: str, kind: RiskKind) -> "_Facts":
        """The facts of a campaign for one kind of rule."""
        tranches = Tranche.objects.filter(campaign=campaign_id)
        signals = Signal.objects.filter(campaign=campaign_id, kind=kind.value)
        return cls(
            campaign_id=campaign_id,
            zone=zone,
            thresholds={
                pk: (fen, basis)
                for pk, fen, basis in tranches.values_list("pk", "threshold_fen", "threshold_basis")
            },
            tills=_tills(campaign_id),
            refunds=_first_refunds(campaign_id) if kind is RiskKind.REFUND_RATE else [],
            noticed=frozenset(
                signals.exclude(redemption=None).values_list("redemption_id", flat=True)
            ),
        )

    def refund_until(self, at: datetime, replay: Replay) -> None:
        """Let the refunds before an instant be counted, each once."""
        until = bisect_left(self.refunds, (at, 0), lo=self.next_refund)
        for _, store_id in self.refunds[self.next_refund : until]:
            replay.refund(self.campaign_id, store_id)
        self.next_refund = until

    def case(self, row: Redemption, replay: Replay) -> RiskCase:
        """The redemption as the rules look at it; where it was shown is not on file."""
        threshold_fen, basis = self.thresholds[row.voucher_id >> SERIAL_BITS]
        is_whole = basis == ThresholdBasis.PRE_DISCOUNT
        on_file = self.tills.get(row.store_id, ())
        till = Till.of(enrolled="", named=row.terminal, on_file=on_file)
        return RiskCase(
            rules=replay.rules,
            campaign_id=self.campaign_id,
            zone=self.zone,
            at=row.redeemed_at,
            holder_id=row.resident_id,
            shopper_id=row.shown_by_id,
            store_id=row.store_id,
            merchant_id=row.merchant_id,
            terminal=till.code,
            stray_terminal=till.stray,
            device=row.device,
            is_in_store=row.order_kind == "in_store",
            counts_fen=row.order_amount_fen if is_whole else row.eligible_amount_fen,
            threshold_fen=threshold_fen,
            shown_at=None,
        )


def _first_refunds(campaign_id: int) -> list[tuple[datetime, int]]:
    """When each refunded redemption had its first refund, with the store that redeemed."""
    refunds = Refund.objects.filter(redemption__campaign=campaign_id).order_by()
    rows = refunds.values_list("redemption_id", "redemption__store_id")
    return sorted((at, store_id) for _, store_id, at in rows.annotate(at=Min("refunded_at")))


def _tills(campaign_id: int) -> dict[int, list[tuple[str, bool]]]:
    """By store the codes of its tills, each as if it were active: what was redeemed was."""
    rows = Terminal.objects.filter(store__participations__campaign=campaign_id).distinct()
    tills: dict[int, list[tuple[str, bool]]] = {}
    for store_id, code in rows.values_list("store_id", "code"):
        tills.setdefault(store_id, []).append((code, True))
    return tills


def _places(campaign_id: int) -> dict[int, Place]:
    """Where the stores of a campaign lie now."""
    rows = StoreLocation.objects.filter(store__participations__campaign=campaign_id)
    newest = rows.order_by("store_id", "-version").distinct("store_id")
    return {row.store_id: Place(row.longitude_deg, row.latitude_deg) for row in newest}
