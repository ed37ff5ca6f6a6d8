"""What the clock does to vouchers: each batch ends once."""

from datetime import datetime, timedelta

from tests.support.reference_model.settling import Settling
from tests.support.reference_model.things import Batch


class Time(Settling):
    """Vouchers as they end."""

    def batches(self) -> list[Batch]:
        """Every batch there is, in order of id."""
        found = {batch.id: batch for batch in self.claimed.values()}
        found |= {voucher.batch.id: voucher.batch for voucher in self.vouchers}
        return [found[id_] for id_ in sorted(found)]

    def expire(self, batch: Batch) -> int | None:
        """A batch expires if it is due, once; how many vouchers in hand that ends."""
        if batch.is_expired or self.now < batch.until:
            return None
        ended = sum(v.batch is batch and v.is_in_hand for v in self.vouchers)
        batch.is_expired = True
        return ended

    def is_anything_due(self) -> bool:
        return any(it.until <= self.now and not it.is_expired for it in self.batches())

    def expire_due(self) -> int:
        """Whatever is due expires."""
        return sum(self.expire(batch) or 0 for batch in self.batches())

    def extend(self, *, validity: timedelta, ends_at: datetime) -> None:
        """The terms are widened: what can still be used is good as long as if it were new."""
        self.validity, self.ends_at = validity, ends_at
        for batch in self.batches():
            if not batch.is_expired and self.now < batch.until:
                until = min((batch.lasts_from or batch.since) + validity, ends_at)
                batch.until = max(batch.until, until)
