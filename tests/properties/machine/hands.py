"""Issuing vouchers: a run reserves and mints step by step, or is made for one resident."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import hypothesis
import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.properties.machine.ground import Ground
from tests.support import cast
from tests.support.reference_model import Batch, Tier, Voucher, Waiting
from tests.support.small_city import LEASE_S, PEOPLE, PER_RESIDENT, TIERS
from tests.support.till import issue_vouchers
from vouchers.models import Shard
from vouchers.models import Voucher as VoucherRow
from vouchers.services.audience.targeting import target_run
from vouchers.services.issuing.control import wind_up
from vouchers.services.issuing.leases import lease_run, lease_shard
from vouchers.services.issuing.minting import mint_shard
from vouchers.services.issuing.runs import request_run, reserve_run

Had = tuple[str, str, str]
"""Resident, tier and round."""


class Hands(Ground):
    """Rules of the machine that issue vouchers."""

    @precondition(lambda self: self.model.is_running)
    @rule(
        name=st.sampled_from(PEOPLE),
        tier=st.sampled_from(TIERS),
        size=st.integers(1, 3),
        hours=st.integers(1, 30),
    )
    def hand(self, name: str, tier: Tier, size: int, hours: int) -> None:
        """Issue one voucher to one resident, valid for some hours only."""
        if not self.model.fits(tier, size):
            return
        until = self.model.now + timedelta(hours=hours)
        rows = issue_vouchers(
            self.campaign, [self.people[name]] * size, tier=tier.code, valid_until_at=until
        )
        batch = Batch(rows[0].tranche_id, tier, until - self.model.validity, until)
        self.model.vouchers += [Voucher(row.pk, name, batch) for row in rows]
        self.model.had[name, tier.code, ""] += size

    @precondition(lambda self: self.model.is_running and not self.model.waiting)
    @rule(in_round=st.booleans())
    def reserve(self, in_round: bool) -> None:
        """A run, of the round or of none: every resident who can be given one more is given one."""
        code = "round 1" if in_round else ""
        before = self.model.had.copy()
        request_run(
            campaign=self.campaign,
            seed="seed",
            by=cast.mei(),
            at=self.model.now,
            round=self.campaign.rounds.get(number=1) if in_round else None,
        )
        for phase in (target_run, reserve_run):
            lease = lease_run(at=self.model.now, lease_s=LEASE_S)
            assert lease is not None
            phase(run_id=lease.run_id, fence=lease.fence, at=self.model.now)
        assert lease is not None
        hypothesis.event(f"reserved: {'some' if self._note_shards(lease.run_id, code) else 'none'}")
        self._assert_no_resident_could_have_more(code, before)

    def _note_shards(self, run_id: int, code: str) -> int:
        names = {person.pk: name for name, person in self.people.items()}
        reserved = 0
        for shard in Shard.objects.filter(run_id=run_id).select_related("tier"):
            tier = next(tier for tier in TIERS if tier.code == shard.tier.code)
            for resident_id in np.frombuffer(shard.resident_ids, dtype="<i8").tolist():
                name = names[resident_id]
                assert name in PEOPLE
                self.model.waiting.append(Waiting(shard.pk, tier, name, code))
                self.model.had[name, tier.code, code] += 1
                reserved += 1
        return reserved

    def _assert_no_resident_could_have_more(self, code: str, before: Counter[Had]) -> None:
        for tier in TIERS:
            keys = [(name, tier.code, code) for name in PEOPLE]
            had = self.model.had
            assert all(had[key] <= max(PER_RESIDENT, before[key]) for key in keys)
            assert all(had[key] >= PER_RESIDENT for key in keys) or not self.model.fits(
                tier, 1, code
            )

    @precondition(lambda self: self.model.waiting)
    @rule()
    def issue(self) -> None:
        """The next shard is minted; once the campaign is over, its money goes back instead."""
        lease = lease_shard(at=self.model.now, lease_s=LEASE_S)
        if lease is None:
            assert not self.model.is_running
            return
        tranche = mint_shard(shard_id=lease.shard_id, fence=lease.fence, at=self.model.now)
        mine = [item for item in self.model.waiting if item.shard_id == lease.shard_id]
        self.model.waiting = [it for it in self.model.waiting if it.shard_id != lease.shard_id]
        until = min(self.model.now + self.model.validity, self.model.ends_at)
        batch = Batch(tranche.pk, mine[0].tier, self.model.now, until, mine[0].round)
        assert tranche.valid_until_at == batch.until
        self._note_vouchers(batch, [item.holder for item in mine])

    def _note_vouchers(self, batch: Batch, holders: Sequence[str]) -> None:
        rows = VoucherRow.objects.filter(id__gte=batch.id << 20, id__lt=batch.id + 1 << 20)
        found = [(row.pk, row.resident.external_id) for row in rows.order_by("id")]
        assert [holder for _, holder in found] == list(holders)
        self.model.vouchers += [Voucher(id_, holder, batch) for id_, holder in found]

    @precondition(lambda self: self.model.waiting)
    @rule()
    def wind_up(self) -> None:
        """What was reserved and not minted is free again when the campaign is over."""
        assert wind_up(at=self.model.now) == int(self.model.is_over)
        if self.model.is_over:
            self.model.waiting.clear()
