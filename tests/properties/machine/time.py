"""The clock: it goes on, jumps, and what is due happens."""

from datetime import timedelta

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.properties.machine.ground import Ground
from tests.support.cast import DAY
from tests.support.small_city import LAST_DAY, which
from vouchers.services.issuing.expiry import expire_due, expire_tranche


class Time(Ground):
    """What happens by itself."""

    @rule(step_s=st.sampled_from([0.5, 30, 90, 1_000, 3_600, 6 * 3_600]))
    def wait(self, step_s: float) -> None:
        """The clock goes on; what is due by then has not happened yet."""
        self._set_clock(timedelta(seconds=step_s))

    @rule(step=st.sampled_from([timedelta(hours=30), DAY, 3 * DAY]))
    def clock_jump(self, step: timedelta) -> None:
        """Days pass at once, and nothing of what they should have brought has happened."""
        self._set_clock(step)

    def _set_clock(self, step: timedelta) -> None:
        self.model.now = min(self.model.now + step, LAST_DAY)

    @precondition(lambda self: self.model.is_anything_due())
    @rule()
    def expire(self) -> None:
        """The sweep ends what is due."""
        ended = self.model.expire_due()
        hypothesis.event(f"expire: {'some' if ended else 'none'}")
        assert expire_due(at=self.model.now) == ended

    @rule(number=which)
    def expire_one(self, number: int) -> None:
        """A sweep looks at a tranche that may not be due, or has expired before."""
        batches = self.model.batches()
        batch = batches[number % len(batches)]
        ended = self.model.expire(batch)
        assert expire_tranche(tranche_id=batch.id, at=self.model.now) == ended
