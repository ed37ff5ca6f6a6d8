"""Requests of test keys take place at the time of their campaign; live ones are left as they are,
at the cost of no query."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from merchants.auth import Caller
from vouchers.models import OrderClaim, Redemption
from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.models.redemption.redemptions import claimed_no
from vouchers.services.redemption.batch_known import Pending
from vouchers.services.redemption.requests import RedemptionRequest, ReverseRequest
from vouchers.services.redemption.shown import ShownCode
from vouchers.services.sandbox import ahead_of_tranches, time_in

Request = TypeVar("Request", bound=RedemptionRequest)


def at_campaign_time(batch: Sequence[Pending]) -> Sequence[Pending]:
    """Orders of the sandbox, each at the time of its voucher's campaign."""
    tranche_ids = {
        pending.tranche_id
        for pending in batch
        if pending.request.caller.is_test and pending.tranche_id is not None
    }
    if not tranche_ids:
        return batch
    ahead = ahead_of_tranches(tranche_ids)
    return [_moved(pending, ahead) for pending in batch]


def _moved(pending: Pending, ahead: Mapping[int, timedelta]) -> Pending:
    request, tranche_id = pending.request, pending.tranche_id
    if not request.caller.is_test or tranche_id is None or tranche_id not in ahead:
        return pending
    return replace(pending, request=replace(request, at=request.at + ahead[tranche_id]))


def showing_time(code: ShownCode, *, caller: Caller, at: datetime) -> datetime:
    """When a voucher is shown: for a caller of the sandbox, the time of its campaign."""
    if not caller.is_test or code.voucher_id is None:
        return at
    tranche_id = code.voucher_id >> SERIAL_BITS
    return at + ahead_of_tranches({tranche_id}).get(tranche_id, timedelta(0))


def act_at_campaign_time(request: Request) -> Request:
    """A later act on a redemption of the sandbox."""
    if not request.caller.is_test:
        return request
    found = Redemption.objects.filter(pk=request.redemption_id, campaign__is_test=True)
    campaign_id = found.values_list("campaign_id", flat=True).first()
    if campaign_id is None:
        return request
    return replace(request, at=time_in(campaign_id=campaign_id, at=request.at))


def reversal_at_campaign_time(request: ReverseRequest) -> ReverseRequest:
    """A reversal by the order's number, where the order is one of the sandbox."""
    if not request.caller.is_test:
        return request
    claims = OrderClaim.objects.filter(
        order_no=claimed_no(request.order_no, is_test=True),
        store__merchant_id__in=request.caller.merchant_ids,
        store__external_id__iexact=request.store,
    )
    campaign_id = claims.values_list("redemption__campaign_id", flat=True).first()
    if campaign_id is None:
        return request
    return replace(request, at=time_in(campaign_id=campaign_id, at=request.at))
