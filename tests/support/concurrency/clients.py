"""Concurrent clients in a small city with few units of everything; each does random acts."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

import hypothesis

from merchants.models import Store
from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.concurrency import office_acts, till_acts
from tests.support.concurrency.client_acts import Act, Place, done
from tests.support.concurrency.history import Report, Seen, note_order
from tests.support.concurrency.threads import at_once
from tests.support.reference_model import Batch, Model, Voucher
from tests.support.small_city import TIERS, fresh_model, open_city
from tests.support.till import issue_vouchers
from vouchers.models import FundingSource, Hold, Redemption, Resident, Tranche
from vouchers.models import Settlement as SettlementRow
from vouchers.models import Voucher as VoucherRow
from vouchers.queries.ledger.balances import balances
from vouchers.rules.limits.limits import business_day
from vouchers.states import AccountKind, RefundPolicy

CLIENTS = 16
ACTS = 100 if hypothesis.settings.get_current_profile_name() == "deep" else 25
SOON = NOON + timedelta(minutes=5)
ORDERS = ("A-1", "A-2", "A-3", "A-4", "A-5")
GATE = {"busy", "request_in_flight"}
"""Answers that say nothing of the city."""


@dataclass(frozen=True)
class Scene:
    """The city as the clients find it, and the model of it."""

    place: Place
    model: Model


def open_scene(policy: RefundPolicy) -> Scene:
    """Four vouchers of each tier, half of them good for a few minutes only."""
    campaign = open_city(policy)
    note_order()
    cast.member("rui", "risk officer")
    people = {name: Resident.objects.get(external_id=name) for name in ("alice", "carol", "erin")}
    stores = {store.external_id: store for store in Store.objects.all()}
    place = Place(campaign, stores, people, {tier.code: tier for tier in TIERS})
    model = fresh_model(policy)
    for name, tier, until in [
        (name, tier, until)
        for name in ("alice", "carol")
        for tier in TIERS
        for until in (SOON, NOON + DAY)
    ]:
        (row,) = issue_vouchers(campaign, [people[name]], tier=tier.code, valid_until_at=until)
        batch = Batch(row.tranche_id, tier, until - model.validity, until)
        model.vouchers.append(Voucher(row.pk, name, batch))
    return Scene(place, model)


class Client:
    """A client that does random acts."""

    def __init__(self, scene: Scene, seed: int, number: int, ticks: Iterator[int]) -> None:
        self.place = scene.place
        self.dice = random.Random(f"{seed}/{number}")
        self.keys = (f"{number}-{n}" for n in count(1))
        self.ticks = ticks

    def work(self) -> list[Report[Act]]:
        return [perform(act) for act in (self._next() for _ in range(ACTS)) if act is not None]

    def _next(self) -> Act | None:
        choices: Sequence[tuple[int, Callable[[], Act | None]]] = (
            (8, self._redeem),
            (3, self._capture),
            (3, self._void),
            (2, self._reverse),
            (4, self._refund),
            (2, self._hold),
            (2, self._let_go),
            (6, self._issue),
            (1, self._expire),
            (1, self._settle),
            (2, self._pay),
            (1, self._cash),
            (1, self._collect),
            (1, self._appropriate),
        )
        (chosen,) = self.dice.choices([act for _, act in choices], [n for n, _ in choices])
        return chosen()

    def _at(self) -> datetime:
        """Within ten minutes of noon, later than whatever was begun before."""
        return NOON + next(self.ticks) * timedelta(minutes=10) / (CLIENTS * ACTS)

    def _redeem(self) -> Act:
        ids = VoucherRow.objects.values_list("pk", flat=True)
        voucher = VoucherRow.objects.select_related("resident").get(pk=self.dice.choice(ids))
        key = next(self.keys)
        return till_acts.Redeem(
            self.place,
            voucher,
            voucher.resident.external_id,
            self.dice.choice(["nanjing_road", "xujiahui"]),
            self.dice.choice([*ORDERS, key, key, key]),
            self.dice.choice([9_999, 10_000, 12_345, 20_006]),
            self.dice.random() < 0.6,
            key,
            self._at(),
        )

    def _redemption(self) -> Redemption | None:
        """One of the latest, so that many want the same."""
        latest = Redemption.objects.select_related("store").order_by("-id")[:8]
        return self.dice.choice(latest) if latest else None

    def _capture(self) -> Act | None:
        found = self._redemption()
        return (
            None
            if found is None
            else till_acts.Capture(
                self.place,
                found.pk,
                found.store.external_id,
                self.dice.choice([5_000, 10_000, 20_006]),
                next(self.keys),
                self._at(),
            )
        )

    def _void(self) -> Act | None:
        found = self._redemption()
        return (
            None
            if found is None
            else till_acts.Void(
                self.place, found.pk, found.store.external_id, next(self.keys), self._at()
            )
        )

    def _reverse(self) -> Act:
        found = self._redemption()
        store = found.store.external_id if found else "nanjing_road"
        order_no = found.order_no if found and self.dice.random() < 0.5 else "A-1"
        return till_acts.Reverse(self.place, store, order_no, next(self.keys), self._at())

    def _refund(self) -> Act | None:
        found = self._redemption()
        if found is None:
            return None
        paid_fen = found.order_amount_fen - found.discount_fen
        return till_acts.Refund(
            self.place,
            found.pk,
            "xujiahui",
            self.dice.choice([paid_fen, paid_fen, max(1, paid_fen // 3)]),
            next(self.keys),
            self._at(),
        )

    def _hold(self) -> Act | None:
        found = self._redemption()
        return None if found is None else office_acts.KeepBack(found.pk, self._at())

    def _let_go(self) -> Act | None:
        hold = Hold.objects.order_by("-id").first()
        return None if hold is None else office_acts.LetGo(hold, self._at())

    def _issue(self) -> Act:
        return office_acts.Issue(
            self.place,
            self.dice.choice(["off20", "off15pc"]),
            self.dice.choice(["alice", "carol", "erin"]),
            self.dice.choice([SOON, NOON + DAY]),
        )

    def _expire(self) -> Act:
        ids = Tranche.objects.filter(state="outstanding").values_list("pk", flat=True)
        return office_acts.Expire(self.dice.choice(ids or [0]), self._at())

    def _settle(self) -> Act:
        at = self._at() + self.dice.randrange(40) * DAY
        return office_acts.SettleDay(self.place, business_day(at, self.place.campaign.zone), at)

    def _pay(self) -> Act | None:
        rows = SettlementRow.objects.select_related("merchant", "source").order_by("-id")[:6]
        return office_acts.Pay(self.dice.choice(rows), self._at()) if rows else None

    def _cash(self) -> Act:
        return office_acts.Cash(
            self._source(), self.dice.choice([500, 3_000]), next(self.keys), self._at()
        )

    def _collect(self) -> Act:
        amount_fen = self.dice.choice([1, 300, 1_200])
        return office_acts.Collect(
            self.place, self._source(), amount_fen, next(self.keys), self._at()
        )

    def _appropriate(self) -> Act:
        """Most of what is free goes, or comes back, so that money is short at times."""
        source = self._source()
        free_fen = balances(source.campaign_id)[source.code][AccountKind.FREE]
        change_fen = self.dice.choice([-free_fen, 500 - free_fen, 2_500, 9_000])
        return office_acts.Appropriate(
            source, source.appropriated_fen, change_fen, next(self.keys), self._at()
        )

    def _source(self) -> FundingSource:
        campaign = self.place.campaign
        return FundingSource.objects.get(
            campaign=campaign, code=self.dice.choice(["city", "group"])
        )


def perform(act: Act) -> Report[Act]:
    """Do an act, and note what was visible before and after."""
    asked = Seen.now()
    said = done(act)
    return Report(act, said.code, asked, Seen.now(), said.figures, said.mark)


def crowd(scene: Scene, seed: int) -> list[Report[Act]]:
    """The answers to all the clients, answers of the gate left out."""
    ticks = count(1)
    clients = [Client(scene, seed, number, ticks) for number in range(CLIENTS)]
    reports = at_once([client.work for client in clients])
    return [one for of_client in reports for one in of_client if one.code not in GATE]
