"""Audit checks of risk rules: signals are of the rules in their version, and holds followed them
(invariant 9)."""

from django.utils.translation import gettext_noop as _

from vouchers.queries.proofs.audit.check import Check
from vouchers.states import RedemptionState, RiskSetting, RiskVerdict

SIGNALS_OF_RULES = Check(
    9,
    "signals_of_rules",
    _("every signal is of a rule in an approved version, as that version has it"),
    ("signal", "kind", "setting", "verdict"),
    """
    SELECT s.id, s.kind, s.setting, s.verdict
      FROM vouchers_signal s
      LEFT JOIN vouchers_riskversion v ON v.id = s.version_id AND v.campaign_id = s.campaign_id
     WHERE v.id IS NULL OR NOT v.rules @> jsonb_build_array(jsonb_build_object(
           'kind', s.kind, 'setting', s.setting, 'verdict', s.verdict))
    """,
)
NOTICED_IS_HELD = Check(
    9,
    "noticed_is_held",
    _("what a live rule wanted held was held, and what one refused was not redeemed"),
    ("signal", "redemption", "verdict"),
    f"""
    SELECT s.id, s.redemption_id, s.verdict
      FROM vouchers_signal s
      JOIN vouchers_redemption r ON r.id = s.redemption_id AND r.voucher_id = s.voucher_id
     WHERE s.setting = '{RiskSetting.LIVE.value}'
       AND (s.verdict = '{RiskVerdict.REFUSE.value}'
            OR s.verdict = '{RiskVerdict.HOLD.value}'
               AND r.state = {RedemptionState.CAPTURED.value}
               AND NOT EXISTS (SELECT FROM vouchers_hold h WHERE h.redemption_id = r.id))
    """,
)
RISK_CHECKS = (SIGNALS_OF_RULES, NOTICED_IS_HELD)
