"""Crash before the commit: whatever was being done, nothing of it is left."""

import copy
from collections.abc import Callable, Mapping
from contextlib import suppress

import hypothesis
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.properties.machine.claiming import Claiming
from tests.properties.machine.holds import Holds
from tests.properties.machine.life import Life
from tests.properties.machine.money import Money
from tests.properties.machine.settlement import Settlement
from tests.properties.machine.showing import Showing
from tests.properties.machine.time import Time
from tests.properties.machine.undoing import Undoing
from tests.support.small_city import MERCHANTS, TIERS
from vouchers.models import Attempt, OrderClaim, RequestRecord, Transfer
from vouchers.states import RedemptionState


class PowerCut(Exception):
    """The process dies after the effects and before the commit."""


class Crashes(Money, Undoing, Showing, Claiming, Holds, Settlement, Life, Time):
    """Every kind of act, cut off at its very end."""

    @rule(data=st.data())
    def crash_before_commit(self, data: st.DataObject) -> None:
        """Any act that is possible just now is done, and then was not."""
        acts = self._acts()
        name = data.draw(st.sampled_from(sorted(acts)))
        act = acts[name]
        hypothesis.event(f"crash: {name}")
        model, waits, claims = copy.deepcopy(self.model), list(self.waits), dict(self.claims)
        said, sent = len(self.answers), len(self.sent)
        rows = self._rows()
        with suppress(PowerCut), transaction.atomic():
            act()
            raise PowerCut
        self.model, self.waits, self.claims = model, waits, claims
        self.campaign.refresh_from_db()
        del self.answers[said:], self.sent[sent:]
        assert self._rows() == rows

    def _acts(self) -> Mapping[str, Callable[[], None]]:
        """What can be done just now."""
        model, order = self.model, (0, True, "nanjing_road", 20_006)
        acts: dict[str, tuple[object, Callable[[], None]]] = {
            "redeem": (True, lambda: self.redeem([(*order, True, "new", 0, "as asked")])),
            "authorise": (True, lambda: self.redeem([(*order, False, "new", 0, "as asked")])),
            "capture": (
                model.in_state(RedemptionState.AUTHORISED),
                lambda: self.capture_what_waits(0, True, 100),
            ),
            "void": (model.live(), self.void_the_last),
            "refund": (model.in_state(RedemptionState.CAPTURED), lambda: self.refund_all(0)),
            "reverse": (model.uses, lambda: self.reverse_the_original(0)),
            "present": (model.vouchers, lambda: self.present(0, True)),
            "show": (
                model.codes,
                lambda: self.show([(0, "nobody", "nanjing_road", 20_006, True)]),
            ),
            "claim": (
                model.is_claimable(),
                lambda: self.claim([("alice", TIERS[0], "near", "new", 0)]),
            ),
            "hold": (model.uses, lambda: self.hold(0, True)),
            "collect": (model.debtors(MERCHANTS), lambda: self.collect(0, 0)),
            "approve": (True, lambda: self.top_up_or_cut("city", 5_000, 0, "at once")),
            "amend": (not model.is_over, lambda: self.amend("validity")),
            "pay": (model.unpaid(), lambda: self.pay(0)),
            "settle": (model.to_settle(), lambda: self.settle(0)),
            "issue": (model.waiting, self.issue),
            "expire": (True, self.expire),
            "lapse": (model.in_state(RedemptionState.AUTHORISED), self.lapse),
            "cash": (True, lambda: self.receive_cash("city", 700)),
        }
        return {name: act for name, (is_possible, act) in acts.items() if is_possible}

    @staticmethod
    def _rows() -> list[int]:
        return [table.objects.count() for table in (RequestRecord, Attempt, OrderClaim, Transfer)]
