"""The campaign's own life: paused, resumed, amended, ended, settled, closed."""

from datetime import timedelta

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.properties.machine.ground import Ground
from tests.support import cast
from tests.support.cast import DAY, NOON
from vouchers.services.campaigns import amendments, lifecycle


class Life(Ground):
    """What its managers do with the campaign as a whole."""

    @precondition(lambda self: not self.model.is_over)
    @rule()
    def pause_or_resume(self) -> None:
        act = lifecycle.pause if self.model.is_running else lifecycle.resume
        act(campaign=self.campaign, by=cast.mei(), at=self.model.now)
        self.model.is_running = not self.model.is_running

    @precondition(lambda self: not self.model.is_over)
    @rule(what=st.sampled_from(["validity", "end", "store", "worse"]))
    def amend(self, what: str) -> None:
        """Approved by another, the terms grow wider: also for what is in people's hands."""
        model, joins = self.model, what == "store" and "rival_shop" not in self.model.joined_at
        validity = model.validity + {"validity": DAY, "worse": -DAY}.get(what, timedelta())
        ends_at = model.ends_at + (DAY if what == "end" else timedelta())
        no = "amendment_worsens" if what == "worse" else ""
        if what == "store" and not joins:
            no = "amendment_worsens"
        hypothesis.event(f"amend: {what} {no}")
        with self.refused(no):
            version = amendments.propose_amendment(
                campaign=self.campaign,
                by=cast.mei(),
                at=model.now,
                ends_at=ends_at,
                validity_s=int(validity.total_seconds()),
                stores=[self.stores["rival_shop"]] if what == "store" else [],
            )
            amendments.approve_amendment(
                terms=version, by=cast.li(), seen_sha256=bytes(version.sha256), at=model.now
            )
            model.extend(validity=validity, ends_at=ends_at)
            if joins:
                model.joined_at["rival_shop"] = model.now
        self.campaign.refresh_from_db()

    @precondition(lambda self: not self.model.is_over and self.model.now > NOON + 2 * DAY)
    @rule()
    def end(self) -> None:
        """For good: nothing is issued or redeemed any more, all else goes on."""
        lifecycle.end(campaign=self.campaign, by=cast.mei(), at=self.model.now)
        self.model.is_running, self.model.is_over = False, True

    @precondition(lambda self: self.model.is_over)
    @rule()
    def settle_or_close_the_campaign(self) -> None:
        """Settled when nothing is under way any more, closed when neither money nor cash is left
        over either."""
        self.campaign.refresh_from_db()
        by, at = cast.mei(), self.model.now
        if self.campaign.state == "ended":
            verdict = self.model.settling_verdict()
            with self.refused(verdict if verdict != "yes" else ""):
                lifecycle.settle(campaign=self.campaign, by=by, at=at)
        elif self.campaign.state == "settled":
            verdict = self.model.closing_verdict()
            with self.refused(verdict if verdict != "yes" else ""):
                lifecycle.close(campaign=self.campaign, document_no="C-1", by=by, at=at)
        else:
            verdict = "closed before"
        hypothesis.event(f"closing: {self.campaign.state} {verdict}")
