"""The facts of a refused attempt in words: what each is called, and its value with its unit."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from vouchers.admin.hotline import masked
from vouchers.admin.words import duration
from vouchers.errors.spoken import SpokenFacts

NAMES: Final[Mapping[str, Any]] = {
    "act": gettext_lazy("act"),
    "amount_fen": gettext_lazy("amount"),
    "business_day": gettext_lazy("business day"),
    "category": gettext_lazy("category"),
    "closed_at": gettext_lazy("closed at"),
    "device": gettext_lazy("device"),
    "discount_fen": gettext_lazy("discount"),
    "distance_m": gettext_lazy("distance"),
    "elapsed_s": gettext_lazy("time between"),
    "eligible_fen": gettext_lazy("eligible amount"),
    "ended_at": gettext_lazy("ended at"),
    "field": gettext_lazy("field"),
    "from_hour": gettext_lazy("from hour"),
    "from_store": gettext_lazy("store before"),
    "greatest_age_h": gettext_lazy("greatest age, hours"),
    "just_above": gettext_lazy("orders just above the threshold"),
    "km_per_hour": gettext_lazy("speed, km/h"),
    "left_fen": gettext_lazy("still to refund"),
    "limit": gettext_lazy("limit"),
    "limit_fen": gettext_lazy("limit"),
    "limit_m": gettext_lazy("greatest distance"),
    "local_time": gettext_lazy("local time"),
    "merchant": gettext_lazy("merchant"),
    "minutes": gettext_lazy("minutes"),
    "missing_fen": gettext_lazy("missing"),
    "next_at": gettext_lazy("possible again from"),
    "occurred_at": gettext_lazy("time of the order"),
    "opens_at": gettext_lazy("opens at"),
    "order_kind": gettext_lazy("kind of order"),
    "order_no": gettext_lazy("order number"),
    "orders": gettext_lazy("number of orders"),
    "paused_until_at": gettext_lazy("paused until"),
    "people": gettext_lazy("number of people"),
    "redemption": gettext_lazy("redemption"),
    "refund_no": gettext_lazy("refund number"),
    "refunds": gettext_lazy("number of refunds"),
    "resident": gettext_lazy("resident"),
    "share_percent": gettext_lazy("greatest share, %"),
    "state": gettext_lazy("state"),
    "store": gettext_lazy("store number"),
    "stores": gettext_lazy("number of stores"),
    "subsidy_fen": gettext_lazy("subsidy"),
    "suspended_until_at": gettext_lazy("suspended until"),
    "terminal": gettext_lazy("till"),
    "threshold_fen": gettext_lazy("threshold"),
    "tier": gettext_lazy("tier"),
    "to_hour": gettext_lazy("to hour"),
    "tries": gettext_lazy("wrong tries"),
    "valid_from_at": gettext_lazy("valid from"),
    "valid_until_at": gettext_lazy("valid until"),
    "voucher": gettext_lazy("voucher"),
    "wait_s": gettext_lazy("to wait"),
    "window": gettext_lazy("window"),
}
"""By the name in the record; a test finds what a refusal may have and is not here."""

SAID: Final[Mapping[str, Callable[[Any], str]]] = {
    "device": lambda number: masked(str(number)),
    "distance_m": lambda metres: _("%s m") % f"{metres:,}",
    "elapsed_s": duration,
    "limit_m": lambda metres: _("%s m") % f"{metres:,}",
    "resident": lambda number: masked(str(number)),
    "wait_s": duration,
}
"""How values are said that a cashier's words leave as they are."""


def facts_in_words(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(name, value) of each fact in the reader's language; a name that a later version of the
    program does not know any more stays as it was recorded."""
    spoken = SpokenFacts(facts, get_language() or "en")
    for name, value in facts.items():
        text = SAID[name](value) if name in SAID else spoken[name.removesuffix("_fen")]
        yield str(NAMES.get(name, name)), text or "–"
