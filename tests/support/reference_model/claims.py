"""Claims: who gets a voucher of which round, and what each of the others hears."""

from tests.support.reference_model.things import Batch, Claim, Round, Tier, Voucher
from tests.support.reference_model.time import Time


class Claims(Time):
    """Vouchers that are made for who asks for them first."""

    def round_now(self) -> Round:
        """The claimed round that is open; else the next one, else the last."""
        not_over = [round_ for round_ in self.rounds if self.now < round_.closes_at]
        return (not_over or self.rounds[-1:])[0]

    def is_claimable(self) -> bool:
        """Whether anything may be claimed just now, by any resident."""
        round_ = self.round_now()
        return self.is_running and round_.opens_at <= self.now < round_.closes_at

    def claim_verdict(self, claim: Claim, per_resident: int) -> str:
        """What a channel hears: yes, or the code of the refusal."""
        round_ = self.round_now()
        if not self.is_claimable():
            return "campaign_not_running"
        if not claim.is_known:
            return "not_found"
        if not (claim.stands_near if round_.on_spot else claim.lives_near):
            return "not_targeted"
        if self.had[claim.resident, claim.tier.code, round_.code] >= per_resident:
            return "resident_limit"
        return "yes" if self.fits(claim.tier, 1, round_.code) else "sold_out"

    def open_batch(self, batch_id: int, tier: Tier) -> Batch:
        """The batch that the round's claims of a tier go into."""
        round_ = self.round_now()
        until = min(round_.closes_at + self.validity, self.ends_at)
        batch = Batch(batch_id, tier, round_.opens_at, until, round_.code)
        batch.lasts_from = round_.closes_at
        self.claimed[round_.code, tier.code] = batch
        return batch

    def give(self, claim: Claim, voucher_id: int) -> Voucher:
        """The voucher is made."""
        batch = self.claimed[self.round_now().code, claim.tier.code]
        made = Voucher(voucher_id, claim.resident, batch)
        self.vouchers.append(made)
        self.had[claim.resident, claim.tier.code, batch.round] += 1
        return made
