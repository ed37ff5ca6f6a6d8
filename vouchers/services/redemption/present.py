"""Present a voucher (出示): a code that is good once, for a minute, by who shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.conf import settings
from django.db import transaction

from merchants.auth import Caller
from merchants.errors import Refusal, Refused
from vouchers.models import Presentation, WrongCodes
from vouchers.models.campaigns.facts import FIND_CAMPAIGNS
from vouchers.models.issuing.runs import FIND_TRANCHES, SERIAL_BITS
from vouchers.models.issuing.vouchers import READ_VOUCHERS, LockedVoucher
from vouchers.models.redemption.presentations import INSERT_PRESENTATION
from vouchers.models.residents.residents import FIND_SHOPPERS, FIND_STATES, Shopper
from vouchers.queries.redemption import PresentedCode
from vouchers.rules.issuing.numbered_codes import PRESENTED, encode
from vouchers.rules.redemption.redeem import (
    Case,
    Order,
    ShopperFacts,
    StoreFacts,
    VoucherFacts,
    judge_presenting,
)
from vouchers.rules.redemption.shown import (
    COUNTED_AS_WRONG,
    PRESENTED_FOR,
    Wrong,
    WrongKey,
    judge_pause,
    window_no,
)
from vouchers.rules.residents import resident_of
from vouchers.services.redemption.clocks import showing_time
from vouchers.services.redemption.shown import (
    NO_STORES,
    ShownCode,
    counted_for,
    listed_code,
    read_wrong_codes,
    send_wrong_codes,
    wrong_codes,
)
from vouchers.services.redemption.tranche_terms import campaign_terms, tranche_terms
from vouchers.sql.pipeline import pipeline, raw_connection

NO_STORE: Final = StoreFacts(0, 0, is_open=True, participates=True, category="")
KEPT_FOR: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentRequest:
    """A code asked for: the voucher's printed code, and who will show it: holder or proxy."""

    caller: Caller
    code: str
    resident_no: str
    at: datetime


def present(*, request: PresentRequest) -> PresentedCode:
    """A new code for a voucher; earlier ones stay good for their own minute.

    Nothing is promised: the till asks everything again. Refuses what `redeem` refuses regardless of
    the order, and `too_many_wrong_codes`; wrong codes of the key are counted.
    """
    with transaction.atomic():
        found = _present(request)
    if isinstance(found, Refusal):
        raise Refused(found.code, found.rule, **found.facts)
    return found


def _present(request: PresentRequest) -> PresentedCode | Refusal:
    code = listed_code(request.code, request.resident_no)
    at = showing_time(code, caller=request.caller, at=request.at)
    facts = read_facts(code, caller=request.caller, at=at)
    refusal = judge_pause(facts.wrong, at, free=settings.HUIMIN_WRONG_CODES) or judge_presenting(
        facts.case
    )
    if refusal is not None:
        count_wrong(code, refusal, caller=request.caller, at=at)
        return refusal
    voucher, shopper, terms = facts.case.voucher, facts.case.shopper, facts.case.tranche
    assert voucher is not None  # the rules have asked
    assert shopper is not None
    assert terms is not None
    expires_at = min(at + PRESENTED_FOR, terms.valid_until_at)
    written = INSERT_PRESENTATION.send(
        raw_connection(),
        {
            "voucher_id": voucher.id,
            "shown_by_id": shopper.id,
            "caller_id": request.caller.credential_id,
            "presented_at": at,
            "expires_at": expires_at,
        },
    )
    (number,) = written.rows()
    digits = encode(PRESENTED, number, settings.HUIMIN_CODE_KEY)
    return PresentedCode(request.code, digits, expires_at)


class ShowingFacts(NamedTuple):
    """What is known of a voucher, of who shows it, and of wrong codes of the key."""

    case: Case
    wrong: Mapping[WrongKey, Wrong]


def read_facts(code: ShownCode, *, caller: Caller, at: datetime) -> ShowingFacts:
    """Read in one round trip, nothing locked: the till locks."""
    voucher_ids = [] if code.voucher_id is None else [code.voucher_id]
    by_tranche = {"tranche_ids": [voucher_id >> SERIAL_BITS for voucher_id in voucher_ids]}
    keys = counted_for(code, caller, store_id=None, at=at)
    with pipeline() as raw:
        counters = read_wrong_codes(raw, keys, NO_STORES)
        vouchers = READ_VOUCHERS.send(raw, {"voucher_ids": voucher_ids})
        tranches = FIND_TRANCHES.send(raw, by_tranche)
        campaigns = FIND_CAMPAIGNS.send(raw, by_tranche)
        people = FIND_SHOPPERS.send(raw, {"resident_nos": [code.resident_no]})
    voucher = next(iter(vouchers.rows()), None) if voucher_ids else None
    shopper = resident_of(next(iter(people.rows()), None), is_test=caller.is_test)
    terms = [
        tranche_terms(tranche, campaign_terms(campaign)).facts
        for tranche, campaign in zip(tranches.rows(), campaigns.rows(), strict=True)
    ]
    case = Case(
        order=Order(at, "", 0, 0, "", ""),
        voucher=None
        if voucher is None
        else VoucherFacts(voucher.id, voucher.resident_id, voucher.state),
        tranche=terms[0] if terms else None,
        holder_state="" if voucher is None else _holder_state(voucher, shopper),
        shopper=None
        if shopper is None
        else ShopperFacts(shopper.id, shopper.state, frozenset(shopper.may_show_for)),
        store=NO_STORE,
        caller_is_test=caller.is_test,
        claim=None,
    )
    return ShowingFacts(case, wrong_codes(counters.rows()))


def _holder_state(voucher: LockedVoucher, shopper: Shopper | None) -> str:
    if shopper is not None and shopper.id == voucher.resident_id:
        return shopper.state
    found = FIND_STATES.send(raw_connection(), {"resident_ids": [voucher.resident_id]})
    ((_, state),) = found.rows()
    return str(state)


def count_wrong(code: ShownCode, refusal: Refusal, *, caller: Caller, at: datetime) -> None:
    """Count a refusal that may have been a guess, inside the caller's transaction."""
    if refusal.rule not in COUNTED_AS_WRONG:
        return
    keys = counted_for(code, caller, store_id=None, at=at)
    with pipeline() as raw:
        send_wrong_codes(raw, [(keys, at)])


def forget_codes(*, at: datetime) -> int:
    """Delete presented codes that redeemed nothing and ended a day ago, and counters of wrong codes
    as old; returns how many rows."""
    before_at = at - KEPT_FOR
    unused = Presentation.objects.filter(redemption_id=None, expires_at__lt=before_at)
    counters = WrongCodes.objects.filter(window_no__lt=window_no(before_at))
    return unused.delete()[0] + counters.delete()[0]
