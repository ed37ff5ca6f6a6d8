"""State shared by the parts of the machine: engine, model, and the invariants after each step."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import count
from typing import ClassVar, TypeVar

import pytest
from django.db import connection, transaction
from hypothesis.stateful import RuleBasedStateMachine, invariant

from merchants.errors import Refused
from merchants.models import Store
from tests.support.concurrency.invariants import assert_proven
from tests.support.reference_model import LIMITS
from tests.support.small_city import fresh_model, room_in_cells
from vouchers.models import (
    Campaign,
    Claim,
    LimitCounter,
    Presentation,
    Redemption,
    Resident,
    Settlement,
    Signal,
    Tranche,
    Voucher,
)
from vouchers.queries.ledger.balances import balances
from vouchers.rules.limits.limits import window_no
from vouchers.services.acts import Answer
from vouchers.states import LimitKind, RefundPolicy, SettlementState, TrancheState

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Sent:
    """A till's request as it was answered, and how to send it again: the same, or changed where
    there is a body to change."""

    answer: Answer
    again: Callable[[], Answer]
    changed: Callable[[], Answer] | None


def pick(items: Sequence[Item], which: int) -> Item:
    """One of the items; low numbers are the latest."""
    return items[-1 - which % len(items)]


class Ground(RuleBasedStateMachine):
    """The engine, its model, and the invariants that both satisfy after every step."""

    cities: ClassVar[Mapping[RefundPolicy, Campaign]]
    campaign: Campaign

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.numbers = count(1)
        self.stores = {store.external_id: store for store in Store.objects.all()}
        self.people = {person.external_id: person for person in Resident.objects.all()}
        self.model = fresh_model(RefundPolicy.RETURN)
        self.sent: list[Sent] = []

    def teardown(self) -> None:
        try:
            assert_proven()
        finally:
            transaction.set_rollback(True)
            self.savepoint.__exit__(None, None, None)

    @staticmethod
    def refused(code: str) -> AbstractContextManager[object]:
        """Asserts that the block is refused with this code; does nothing for an empty code."""
        return pytest.raises(Refused, match=code) if code else nullcontext()

    def number(self, of: str) -> str:
        """A key, or a document's number, that has not been used."""
        return f"{of} {next(self.numbers)}"

    @invariant()
    def the_books_hold(self) -> None:
        """After every step; one of them, so that a failure lists the steps and little else."""
        self.constraints_hold()
        self.money_is_where_the_model_has_it()
        self.headroom_is_the_cap_less_what_counts()
        self.vouchers_and_redemptions_are_in_their_states()
        self.vouchers_end_when_they_should()
        self.counters_are_the_sums_of_their_rows()
        self.settlements_have_their_totals()
        self.claims_codes_and_signals_are_noted()

    def constraints_hold(self) -> None:
        """A savepoint never fires deferred triggers, so they are fired here."""
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")

    def money_is_where_the_model_has_it(self) -> None:
        found = balances(self.campaign.pk)
        assert found == self.model.balances()
        for by_kind in found.values():
            assert sum(by_kind.values()) == 0
            assert all(fen >= 0 for kind, fen in by_kind.items() if kind != "appropriated")

    def headroom_is_the_cap_less_what_counts(self) -> None:
        assert room_in_cells(self.campaign) == self.model.room()

    def vouchers_and_redemptions_are_in_their_states(self) -> None:
        assert dict(Voucher.objects.values_list("id", "state")) == self.model.states()
        rows = Redemption.objects.values_list("id", "state", "discount_fen")
        assert sorted(rows) == [(use.id, use.state, use.discount_fen) for use in self.model.uses]

    def vouchers_end_when_they_should(self) -> None:
        rows = Tranche.objects.order_by("id").values_list("id", "valid_until_at", "state")
        outstanding, expired = TrancheState.OUTSTANDING.value, TrancheState.EXPIRED.value
        assert list(rows) == [
            (batch.id, batch.until, expired if batch.is_expired else outstanding)
            for batch in self.model.batches()
        ]

    def counters_are_the_sums_of_their_rows(self) -> None:
        rows = LimitCounter.objects.filter(campaign=self.campaign, used_count__gt=0)
        found = {
            (row.kind, row.subject_id, row.window_no): (row.used_count, row.used_fen)
            for row in rows
        }
        assert found == self._counted()
        assert all(used <= LIMITS[LimitKind(kind)] for (kind, _, _), (used, _) in found.items())

    def _counted(self) -> dict[tuple[int, int, int], tuple[int, int]]:
        counts: Counter[tuple[int, int, int]] = Counter()
        fens: Counter[tuple[int, int, int]] = Counter()
        for use in self.model.live():
            for kind in LIMITS:
                is_store = kind is LimitKind.STORE_MINUTE
                subject = self.stores[use.store] if is_store else self.people[use.voucher.holder]
                key = kind.value, subject.pk, window_no(kind, use.at, self.campaign.zone)
                counts[key] += 1
                fens[key] += sum(use.left.values())
        return {key: (counts[key], fens[key]) for key in counts}

    def claims_codes_and_signals_are_noted(self) -> None:
        claimed = {batch.id for batch in self.model.claimed.values()}
        assert dict(Claim.objects.values_list("voucher_id", "resident__external_id")) == {
            voucher.id: voucher.holder
            for voucher in self.model.vouchers
            if voucher.batch.id in claimed
        }
        used = Presentation.objects.exclude(redemption_id=None).values_list("voucher_id", flat=True)
        assert sorted(used) == sorted(it.voucher.id for it in self.model.codes if it.is_used)
        assert Presentation.objects.count() == len(self.model.codes)
        assert Signal.objects.count() == self.model.signals

    def settlements_have_their_totals(self) -> None:
        rows = Settlement.objects.order_by("id").values_list(
            "merchant__code", "source__code", "business_day", "total_fen", "state"
        )
        ready, paid = SettlementState.READY.value, SettlementState.PAID.value
        expected = [
            (it.merchant, it.source, it.day, it.total_fen, paid if it.is_paid else ready)
            for it in self.model.settlements
        ]
        assert list(rows) == expected
