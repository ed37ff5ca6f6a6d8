"""Money of a redemption kept back until its case has been examined: by a person, or by a rule."""

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.properties.machine.ground import Ground, pick
from tests.support import cast
from tests.support.reference_model import Watch
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
    @rule(
        setting=st.sampled_from([RiskSetting.LIVE, *RiskSetting]),
        verdict=st.sampled_from([RiskVerdict.HOLD, RiskVerdict.HOLD, RiskVerdict.REFUSE]),
        above_fen=st.sampled_from([0, 0, 3_000, 6_500]),
    )
    def watch(self, setting: RiskSetting, verdict: RiskVerdict, above_fen: int) -> None:
        """A rule on what a merchant gets in a day is approved: live it holds or refuses what goes
        beyond, in shadow it only says so. The same rule again is refused."""
        changed = risk_rule(RiskKind.MERCHANT_DAY, setting=setting, verdict=verdict, fen=above_fen)
        current = in_force(self.campaign)[1]
        with self.refused("nothing_to_change" if changed.document in current else ""):
            with_rules(self.campaign, changed, at=self.model.now)
            is_live, refuses = setting is RiskSetting.LIVE, verdict is RiskVerdict.REFUSE
            is_on = setting is not RiskSetting.OFF
            self.model.watch = Watch(above_fen, is_live, refuses) if is_on else None

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
    @rule(number=which)
    def release(self, number: int) -> None:
        """A hold is released, whoever or whatever opened it; releasing it twice is refused."""
        use = pick([use for use in self.model.uses if use.is_held], number)
        hold = Hold.objects.get(redemption_id=use.id, released_at=None)
        rui = cast.member("rui", "risk officer")
        holds.release(hold=hold, by=rui, at=self.model.now)
        use.is_held = False
        with self.refused("not_held"):
            holds.release(hold=hold, by=rui, at=self.model.now)
