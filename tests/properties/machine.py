"""The engine beside its model: what may happen in the city, and what must hold after each step."""

from collections import Counter
from contextlib import nullcontext
from datetime import timedelta
from itertools import count
from typing import Any

import hypothesis
import numpy as np
import pytest
from django.db import connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from merchants.errors import Refused
from merchants.models import Store
from tests import cast
from tests.cast import NOON
from tests.concurrency.books import assert_proven
from tests.properties.city import (
    BUDGET_FEN,
    LAST_DAY,
    LEASE_S,
    PEOPLE,
    PER_RESIDENT,
    SHUT,
    TIERS,
    good_orders,
    orders,
)
from tests.properties.model import LIMITS, Batch, Model, Order, Tier, Use, Voucher
from tests.till import decoded, hand_out, order, till_of, voided
from vouchers.models import (
    Campaign,
    CapCounter,
    FundingSource,
    QuotaBucket,
    Redemption,
    Resident,
    Shard,
)
from vouchers.models import Voucher as VoucherRow
from vouchers.queries.balances import balances
from vouchers.rules.fraud import window_no
from vouchers.services import campaigns, ledger
from vouchers.services.distribution import request_run, reserve_run
from vouchers.services.leases import lease_run, lease_shard
from vouchers.services.minting import mint_shard
from vouchers.services.redemption import redeem
from vouchers.services.requests import Answer, RedeemRequest
from vouchers.services.settlement import settle_and_pay_day, settle_day
from vouchers.services.targeting import target_run
from vouchers.services.vouchers import expire_due, expire_tranche
from vouchers.states import AccountKind, CapKind


class Machine(RuleBasedStateMachine):
    """The engine beside its model. One savepoint an example, rolled back at its end."""

    campaign: Campaign

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.numbers = count(1)
        self.stores = {store.external_id: store for store in Store.objects.all()}
        self.people = {person.external_id: person for person in Resident.objects.all()}
        self.model = Model(NOON, {"city": 60_000, "group": 40_000}, TIERS)
        self.answers: list[tuple[RedeemRequest, Order, Answer]] = []
        self.voids: list[tuple[str, Use, Answer]] = []

    def teardown(self) -> None:
        try:
            assert_proven()
        finally:
            transaction.set_rollback(True)
            self.savepoint.__exit__(None, None, None)

    # Money in and out of the budget

    @rule(
        source=st.sampled_from(["city", "group"]),
        change=st.integers(-30_000, 30_000) | st.sampled_from(["all", "one too many"]),
        stale_by_fen=st.sampled_from([0, 0, 0, 1, -10_000]),
    )
    def fund_or_cut(self, source: str, change: int | str, stale_by_fen: int) -> None:
        row = FundingSource.objects.get(campaign=self.campaign, code=source)
        figure_fen = self.model.appropriated[source]
        free_fen = self.model.balances()[source][AccountKind.FREE]
        cuts_fen = {"all": -free_fen, "one too many": -free_fen - 1}
        change_fen = change if isinstance(change, int) else cuts_fen[change]
        target_fen = figure_fen + change_fen
        no = ""
        if target_fen < 0:
            no = "amount_invalid"
        elif change_fen and stale_by_fen:
            no = "figure_changed"
        elif free_fen + change_fen < 0:
            no = "not_free"
        with pytest.raises(Refused, match=no) if no else nullcontext():
            ledger.appropriate(
                source=row,
                expected_fen=figure_fen + stale_by_fen,
                target_fen=target_fen,
                at=self.model.now,
            )
        if not no:
            self.model.appropriated[source] = target_fen

    # Vouchers into hands

    @precondition(lambda self: self.model.is_running)
    @rule()
    def distribute(self) -> None:
        """Mint what waits to be minted; else reserve for whoever can be given more."""
        hypothesis.event("mint" if self.model.waiting else "reserve")
        if self.model.waiting:
            self._mint()
        else:
            self._reserve()

    def _reserve(self) -> None:
        """A run: whoever can be given one more is given one more."""
        request_run(campaign=self.campaign, seed="seed", by="mei", at=self.model.now)
        for phase in (target_run, reserve_run):
            lease = lease_run(at=self.model.now, lease_s=LEASE_S)
            assert lease is not None
            phase(run_id=lease.run_id, fence=lease.fence, at=self.model.now)
        assert lease is not None
        names = {person.pk: name for name, person in self.people.items()}
        known = set(self.model.had)
        for shard in Shard.objects.filter(run_id=lease.run_id).select_related("tier"):
            tier = next(tier for tier in TIERS if tier.code == shard.tier.code)
            for resident_id in np.frombuffer(shard.resident_ids, dtype="<i8").tolist():
                self.model.waiting.append((shard.pk, tier, names[resident_id]))
                self.model.had[names[resident_id], tier.code] += 1
        assert {name for name, _ in set(self.model.had) - known} <= set(PEOPLE)
        self._assert_nobody_could_have_more()

    def _assert_nobody_could_have_more(self) -> None:
        for tier in TIERS:
            had = [self.model.had[name, tier.code] for name in PEOPLE]
            assert max(had) <= PER_RESIDENT
            assert min(had) == PER_RESIDENT or not self.model.fits(tier, 1)

    def _mint(self) -> None:
        lease = lease_shard(at=self.model.now, lease_s=LEASE_S)
        assert lease is not None
        tranche = mint_shard(shard_id=lease.shard_id, fence=lease.fence, at=self.model.now)
        mine = [item for item in self.model.waiting if item[0] == lease.shard_id]
        self.model.waiting = [item for item in self.model.waiting if item[0] != lease.shard_id]
        until = min(self.model.now + timedelta(days=2), self.campaign.ends_at)
        batch = Batch(tranche.pk, mine[0][1], until)
        assert tranche.valid_until_at == batch.until
        rows = VoucherRow.objects.filter(id__gte=tranche.pk << 20, id__lt=tranche.pk + 1 << 20)
        holders = [(row.pk, row.resident.external_id) for row in rows.order_by("id")]
        assert [holder for _, holder in holders] == [holder for _, _, holder in mine]
        self.model.vouchers += [Voucher(id_, holder, batch) for id_, holder in holders]

    @initialize(hours=st.sampled_from([1, 20, 200]))
    def hand_two_of_each_tier_to_alice_and_carol(self, hours: int) -> None:
        for name in ("alice", "carol"):
            for tier in TIERS:
                self.hand(name, tier, 2, hours)

    @rule(
        name=st.sampled_from(PEOPLE),
        tier=st.sampled_from(TIERS),
        size=st.integers(1, 3),
        hours=st.integers(1, 30),
    )
    def hand(self, name: str, tier: Tier, size: int, hours: int) -> None:
        """Straight into a hand, good for some hours only."""
        if not self.model.fits(tier, size):
            return
        until = self.model.now + timedelta(hours=hours)
        rows = hand_out(
            self.campaign,
            [self.people[name]] * size,
            tier=tier.code,
            at=self.model.now,
            valid_until_at=until,
        )
        batch = Batch(rows[0].tranche_id, tier, until)
        self.model.vouchers += [Voucher(row.pk, name, batch) for row in rows]

    # Tills

    @rule(batch=st.lists(good_orders, min_size=1, max_size=4))
    def redeem_as_one_should(self, batch: list[tuple[Any, ...]]) -> None:
        self.redeem(batch)

    @rule(batch=st.lists(orders, min_size=1, max_size=5))
    def redeem(self, batch: list[tuple[Any, ...]]) -> None:
        """A batch of orders, some sent before, some changed since, some with a used number."""
        sent = [self._request(*picks) for picks in batch]
        answers = redeem(requests=[request for request, _ in sent])
        for (request, wanted), answer in zip(sent, answers, strict=True):
            self._compare(request, wanted, answer)

    def _request(
        self, voucher: int, by_holder: bool, store: str, amount_fen: int, how: str, earlier: int
    ) -> tuple[RedeemRequest, Order]:
        vouchers = sorted(self.model.vouchers, key=lambda it: not it.is_used)
        chosen = vouchers[-1 - voucher % len(vouchers)]
        shopper = chosen.holder if by_holder else "bob"
        number = f"A{next(self.numbers)}"
        key = f"key {number}"
        if self.answers and how != "new":
            request, before, _ = self.answers[-1 - earlier % len(self.answers)]
            if how == "replay":
                return request, before
            if how == "changed":
                key, number = request.key, f"{number} changed"
            else:
                store, number = before.store, before.order_no
        wanted = Order(chosen, shopper, store, number, amount_fen)
        row = VoucherRow.objects.get(pk=chosen.id)
        at, place = self.model.now, self.stores[store]
        request = order(
            row,
            place,
            self.people[shopper],
            amount_fen=amount_fen,
            order_no=number,
            key=key,
            at=at,
            caller=till_of(place),
        )
        return request, wanted

    def _compare(self, request: RedeemRequest, wanted: Order, answer: Answer) -> None:
        known = {it.key: (it.fingerprint, said) for it, _, said in self.answers}
        status, body = decoded(answer)
        if request.key in known:
            fingerprint, said = known[request.key]
            if fingerprint == request.fingerprint:
                assert (answer.status, answer.body) == (said.status, said.body)
                assert answer.is_replay
            else:
                assert body["code"] == "idempotency_key_reused"
            return
        assert not answer.is_replay
        verdict = self.model.verdict(wanted, SHUT)
        hypothesis.event(f"redeem: {verdict}")
        assert body.get("code", "yes") == verdict
        if verdict == "yes":
            use = self.model.use(wanted, body["id"])
            assert status == 201
            assert {it["source"]: it["fen"] for it in body["by_source"]} == use.split
            assert body["payable_fen"] == wanted.amount_fen - use.discount_fen >= 1
        self.answers.append((request, wanted, answer))

    @precondition(lambda self: self.model.live())
    @rule()
    def void_the_last(self) -> None:
        self.void(self.model.uses.index(self.model.live()[-1]), "own")

    @precondition(lambda self: self.model.uses)
    @rule(which=st.integers(0, 99), how=st.sampled_from(["own", "own", "own", "rival", "replay"]))
    def void(self, which: int, how: str) -> None:
        use = self.model.uses[which % len(self.model.uses)]
        if how == "replay" and self.voids:
            key, use, said = self.voids[-1 - which % len(self.voids)]
            again = self._void(use, key, use.store)
            assert (again.status, again.body, again.is_replay) == (said.status, said.body, True)
            return
        key = f"void {next(self.numbers)}"
        answer = self._void(use, key, "rival_shop" if how == "rival" else use.store)
        body = decoded(answer)[1]
        if how == "rival":
            assert body["code"] == "not_found"
            return
        verdict = self.model.undo_verdict(use)
        hypothesis.event(f"void: {verdict}")
        assert body.get("code", "yes") == verdict
        if verdict == "yes":
            batch = use.voucher.batch
            is_usable = not batch.is_expired and self.model.now < batch.until
            assert (body["returned_fen"], body["voucher_usable"]) == (use.discount_fen, is_usable)
            self.model.undo(use)
        self.voids.append((key, use, answer))

    def _void(self, use: Use, key: str, store: str) -> Answer:
        row = Redemption.objects.get(pk=use.id)
        return voided(row, caller=till_of(self.stores[store]), at=self.model.now, key=key)

    # Time and people

    @rule(step_s=st.sampled_from([0.5, 30, 90, 3_600, 6 * 3_600, 30 * 3_600]), sweep=st.booleans())
    def wait(self, step_s: float, sweep: bool) -> None:
        """The clock goes on; sometimes the sweep comes by, sometimes it is late."""
        self.model.now = min(self.model.now + timedelta(seconds=step_s), LAST_DAY)
        if sweep:
            ended = self.model.expire_due()
            hypothesis.event(f"expire: {'some' if ended else 'none'}")
            assert expire_due(at=self.model.now) == ended

    @rule(which=st.integers(0, 99))
    def expire_one(self, which: int) -> None:
        """A sweep looks at a tranche that may not be due, or has expired before."""
        batch = self.model.batches()[which % len(self.model.batches())]
        ended = self.model.expire(batch)
        assert expire_tranche(tranche_id=batch.id, at=self.model.now) == ended

    @rule()
    def pause_or_resume(self) -> None:
        act = campaigns.pause if self.model.is_running else campaigns.resume
        act(campaign=self.campaign, by=cast.mei(), at=self.model.now)
        self.model.is_running = not self.model.is_running

    @precondition(lambda self: any(not use.settled for use in self.model.live()))
    @rule(is_paid=st.booleans(), days_ago=st.integers(0, 1))
    def settle(self, is_paid: bool, days_ago: int) -> None:
        """A day is settled; with cash enough, all that waits is paid."""
        day = (self.model.now + timedelta(hours=8)).date() - timedelta(days=days_ago)
        taken = self.model.settle(day)
        hypothesis.event(f"settle: {'some' if taken else 'none'}")
        if is_paid:
            for source in FundingSource.objects.filter(campaign=self.campaign):
                ledger.receive_cash(
                    source=source,
                    amount_fen=10 * BUDGET_FEN,
                    document_no="R",
                    request_id=f"cash {next(self.numbers)}",
                    at=self.model.now,
                )
            settle_and_pay_day(campaign=self.campaign, business_day=day, at=self.model.now)
            self._pay(day)
        else:
            settle_day(campaign=self.campaign, business_day=day, at=self.model.now)
            settle_day(campaign=self.campaign, business_day=day, at=self.model.now)
        settled = Redemption.objects.filter(lines__isnull=False, pk__in=[use.id for use in taken])
        assert settled.distinct().count() == len(taken)

    def _pay(self, day: Any) -> None:
        ready = Redemption.objects.filter(lines__settlement__business_day__lte=day)
        ids = set(ready.values_list("pk", flat=True))
        self.model.pay(use for use in self.model.uses if use.id in ids)

    # What must be so after every step

    @invariant()
    def constraints_hold(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")

    @invariant()
    def money_is_where_the_model_has_it(self) -> None:
        found = balances(self.campaign.pk)
        assert found == self.model.balances()
        for by_kind in found.values():
            assert sum(by_kind.values()) == 0
            assert all(fen >= 0 for kind, fen in by_kind.items() if kind != "appropriated")

    @invariant()
    def headroom_is_the_cap_less_what_counts(self) -> None:
        rows = QuotaBucket.objects.filter(cell__campaign=self.campaign).values_list(
            "cell__source__code", "cell__tier__code", "headroom_fen", "headroom_count"
        )
        assert {source or tier: tuple(left) for source, tier, *left in rows} == self.model.room()

    @invariant()
    def vouchers_are_used_once_and_only_where_the_model_says(self) -> None:
        assert dict(VoucherRow.objects.values_list("id", "state")) == self.model.states()
        live = Redemption.objects.filter(state__in=[1, 2]).values_list("id", flat=True)
        assert sorted(live) == [use.id for use in self.model.live()]

    @invariant()
    def counters_are_the_sums_of_their_rows(self) -> None:
        rows = CapCounter.objects.filter(used_count__gt=0)
        found = Counter(
            {
                (row.kind, row.subject_id, row.window_no): row.used_count
                for row in rows.filter(campaign=self.campaign)
            }
        )
        assert found == self._counted()
        assert all(used <= LIMITS[CapKind(kind)] for (kind, _, _), used in found.items())

    def _counted(self) -> Counter[tuple[int, int, int]]:
        found: Counter[tuple[int, int, int]] = Counter()
        for use in self.model.live():
            for kind in LIMITS:
                is_store = kind is CapKind.STORE_MINUTE
                subject = self.stores[use.store] if is_store else self.people[use.voucher.holder]
                found[kind, subject.pk, window_no(kind, use.at, self.campaign.zone)] += 1
        return found
