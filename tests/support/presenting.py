"""Vouchers shown in an app and on paper, as a channel has them made."""

from datetime import datetime
from typing import Any

from merchants.auth import Caller
from merchants.models import Store
from tests.support import till
from tests.support.cast import NOON
from tests.support.till import code_of
from vouchers.models import Resident, Voucher
from vouchers.services.acts import Answer
from vouchers.services.redemption import PaperRequest, PresentRequest, issue_paper, present
from vouchers.services.residents import keyed_hash

APP = Caller(
    credential_id=900,
    kind="channel",
    scopes=frozenset({"residents"}),
    merchant_ids=frozenset(),
    store_ids=None,
    terminal_code="",
    channel_code="alipay",
    is_test=False,
)
ZHANG = "11010519491231002X"


def presented(voucher: Voucher, by: Resident, *, at: datetime = NOON, caller: Caller = APP) -> str:
    """A code for the voucher, shown by somebody."""
    request = PresentRequest(
        caller=caller, code=code_of(voucher), resident_no=by.external_id, at=at
    )
    return present(request=request).code


def paper_of(
    voucher: Voucher,
    holder: Resident,
    *,
    national_id: str = ZHANG,
    at: datetime = NOON,
    caller: Caller = APP,
) -> str:
    """The code of a new paper."""
    request = PaperRequest(
        caller=caller,
        code=code_of(voucher),
        resident_no=holder.external_id,
        national_id=national_id,
        at=at,
    )
    return issue_paper(request=request).code


def identified(resident: Resident, *, national_id: str = ZHANG) -> Resident:
    """The resident with an identity number on file."""
    resident.identity_hmac = keyed_hash("national_id", national_id)
    resident.save(update_fields=["identity_hmac"])
    return resident


def shown(
    code: str, store: Store, *, by: Resident | None = None, at: datetime = NOON, **fields: Any
) -> Answer:
    """The answer to a code alone, without a resident unless one is named."""
    request = till.order(code, store, by, at=at, **fields)
    return till.redeem(requests=[request])[0]
