"""Money of a redemption kept back until its case has been examined: by a person, or by a rule."""

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.properties.machine.ground import Ground, pick
from tests.support import cast
from tests.support.risk import rule as risk_rule
from tests.support.risk import with_rules
from tests.support.small_city import which
from vouchers.models import Hold, Redemption
from vouchers.services.campaigns.risk_rules import in_force
from vouchers.services.redemption import holds
from vouchers.states import RiskKind, RiskSetting, RiskVerdict


class Holds(Ground):
    """Holds and releases, by the risk officer and by risk rules."""

    @precondition(lambda self: self.model.is_running)
    @rule(setting=st.sampled_from([RiskSetting.LIVE, RiskSetting.SHADOW]))
    def watch(self, setting: RiskSetting) -> None:
        """A rule that notices every redemption is approved: live it holds, in shadow it does not.
        The same setting again is refused."""
        is_live = setting is RiskSetting.LIVE
        every = risk_rule(RiskKind.MERCHANT_DAY, setting=setting, verdict=RiskVerdict.HOLD, fen=0)
        current = in_force(self.campaign)[1]
        with self.refused("nothing_to_change" if every.document in current else ""):
            with_rules(self.campaign, every, at=self.model.now)
            self.model.is_watched = is_live

    @precondition(lambda self: self.model.uses)
    @rule(number=which, aimed=st.booleans())
    def hold(self, number: int, aimed: bool) -> None:
        """Any redemption's money, or one's that can be held; once, and only what is payable."""
        fit = [use for use in self.model.uses if self.model.hold_verdict(use) == "yes"]
        use = pick(fit if aimed and fit else self.model.uses, number)
        verdict = self.model.hold_verdict(use)
        hypothesis.event(f"hold: {verdict}")
        with self.refused(verdict if verdict != "yes" else ""):
            holds.hold(
                redemption=Redemption.objects.get(pk=use.id),
                reason="odd",
                by=cast.member("rui", "risk officer"),
                at=self.model.now,
            )
            use.is_held = True

    @precondition(lambda self: any(use.is_held for use in self.model.uses))
    @rule()
    def release(self) -> None:
        """The hold is released; releasing it twice is refused."""
        use = next(use for use in self.model.uses if use.is_held)
        hold = Hold.objects.get(redemption_id=use.id, released_at=None)
        rui = cast.member("rui", "risk officer")
        holds.release(hold=hold, by=rui, at=self.model.now)
        use.is_held = False
        with self.refused("not_held"):
            holds.release(hold=hold, by=rui, at=self.model.now)
