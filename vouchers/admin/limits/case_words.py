"""What risk rules noticed, in the words of the bureau: facts of signals, subjects of cases."""

from collections.abc import Mapping
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from vouchers.admin.hotline import masked
from vouchers.admin.words import duration
from vouchers.models import Case, Signal
from vouchers.money import yuan
from vouchers.queries.limits.cases import Member
from vouchers.states import RedemptionState, RiskKind, RiskVerdict

NOTICED: Mapping[str, Any] = {
    RiskKind.TERMINAL_MINUTE: gettext_lazy(
        "%(orders)s redemptions at till %(terminal)s within a minute; up to %(limit)s pass."
    ),
    RiskKind.MERCHANT_DAY: gettext_lazy(
        "The merchant's subsidy of the day came to %(subsidy)s; up to %(limit)s pass."
    ),
    RiskKind.DEVICE_SHARED: gettext_lazy(
        "Device %(device)s has shown vouchers of %(people)s residents; up to %(limit)s pass."
    ),
    RiskKind.STORE_DISTANCE: gettext_lazy(
        "Shown %(distance)s m from the store; up to %(limit)s m pass."
    ),
    RiskKind.IMPOSSIBLE_TRAVEL: gettext_lazy(
        "The same person was at store no. %(from_store)s, %(distance)s m away, %(elapsed)s before;"
        " that is faster than %(km_per_hour)s km/h."
    ),
    RiskKind.THRESHOLD_HUGGING: gettext_lazy(
        "%(just_above)s of the store's %(orders)s orders of the day lie just above the threshold;"
        " up to %(share_percent)s %% pass."
    ),
    RiskKind.SPLIT_ORDERS: gettext_lazy(
        "The resident's second voucher in this store within %(elapsed)s; from %(minutes)s minutes"
        " on they pass."
    ),
    RiskKind.NIGHT_HOURS: gettext_lazy(
        "Redeemed at %(local_time)s; the rule watches from %(from_hour)s:00 to %(to_hour)s:00."
    ),
    RiskKind.FEW_PEOPLE: gettext_lazy(
        "The %(orders)sth redemption of the day at till %(terminal)s, shown by %(people)s people in"
        " all."
    ),
    RiskKind.TERMINAL_ROAMING: gettext_lazy(
        "Till %(terminal)s was in %(stores)s stores this day; up to %(limit)s pass."
    ),
    RiskKind.REFUND_RATE: gettext_lazy(
        "%(refunds)s of the store's %(orders)s redemptions had a refund; up to %(share_percent)s %%"
        " pass."
    ),
}
DONE: Mapping[str, Any] = {
    RiskVerdict.PAY: gettext_lazy("paid, recorded only"),
    RiskVerdict.HOLD: gettext_lazy("paid to the shopper, the merchant's money held"),
    RiskVerdict.REFUSE: gettext_lazy("refused at the till"),
}


def noticed(signal: Signal) -> str:
    """What a rule noticed, with its figures as people say them; numbers of devices are masked."""
    facts = {name: _spoken(name, value) for name, value in signal.facts.items()}
    facts |= {
        name.removesuffix(unit): value
        for name, value in facts.items()
        for unit in _UNITS
        if name.endswith(unit)
    }
    try:
        return str(NOTICED[signal.kind]) % facts
    except KeyError:  # facts of an earlier version of the program
        return ", ".join(f"{name} {value}" for name, value in signal.facts.items())


_UNITS = ("_fen", "_m", "_s")


def _spoken(name: str, value: Any) -> str:
    if name.endswith("_fen"):
        return yuan(value)
    if name.endswith("_s"):
        return duration(value)
    if name == "device":
        return masked(str(value))
    if name == "terminal":
        return str(value) or _("(without a number)")
    return f"{value:,}" if isinstance(value, int) and name != "from_store" else str(value)


def became(member: Member) -> str:
    """Where the order and its money are now."""
    redemption = member.redemption
    if redemption is None:
        return _("refused, nothing paid")
    amount = yuan(redemption.discount_fen)
    if member.hold is not None:
        since = date_format(member.hold.opened_at, "Y-m-d")
        return _("%(amount)s held since %(since)s") % {"amount": amount, "since": since}
    if redemption.state != RedemptionState.CAPTURED:
        return f"{amount} · {redemption.get_state_display()}"
    return (
        _("%(amount)s settled") if member.is_settled else _("%(amount)s owed to the merchant")
    ) % {"amount": amount}


def about(case: Case | Signal, resident: str | None) -> str:
    """Whom a case or a signal is about; `resident` is that resident's number, which is masked."""
    if case.subject == "store":
        return str(case.store.name)
    if case.subject == "merchant":
        return str(case.store.merchant.name)
    if case.subject == "resident":
        return _("resident %(number)s") % {"number": masked(resident or str(case.subject_id))}
    return _("device …%(digits)s") % {"digits": f"{case.subject_id % 10_000:04}"}
