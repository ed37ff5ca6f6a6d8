"""How a redemption reads to a till, and which ones a till may read."""

from datetime import date, datetime

import msgspec
from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Upper

from merchants.auth import Caller
from merchants.references import folded
from vouchers.models import FundingSource, Redemption, RequestRecord
from vouchers.rules.issuing.codes import encode
from vouchers.states import RedemptionState


class SourceShare(msgspec.Struct, frozen=True):
    """One payer's part of a discount."""

    source: str
    fen: int


class RedemptionDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """A redemption as answered, when it is made and whenever it is asked for."""

    id: int
    state: str
    discount_fen: int
    by_source: list[SourceShare]
    payable_fen: int
    voucher: str
    merchant: str
    store: str
    order_no: str
    order_amount_fen: int
    campaign: str
    business_day: date
    redeemed_at: datetime
    # Until when it may be captured; only of one that is authorised.
    expires_at: datetime | None = None


class PresentedCode(msgspec.Struct, frozen=True):
    """A code that a person shows at a till. `voucher` is its printed code."""

    voucher: str
    code: str
    expires_at: datetime


class IssuedPaper(msgspec.Struct, frozen=True):
    """A paper made for a voucher, by its own code; `has_replaced`: an earlier one is void now."""

    voucher: str
    code: str
    valid_until_at: datetime
    has_replaced: bool


class _Numbered(msgspec.Struct):
    """What every answer to a redemption has had, whenever it was given."""

    id: int


def redemption_details(redemption: Redemption) -> RedemptionDetails:
    """A stored redemption as it stands now."""
    codes = dict(
        FundingSource.objects.filter(campaign_id=redemption.campaign_id).values_list("id", "code")
    )
    is_authorised = redemption.state == RedemptionState.AUTHORISED
    return RedemptionDetails(
        id=redemption.pk,
        state=RedemptionState(redemption.state).name.lower(),
        discount_fen=redemption.discount_fen,
        by_source=[SourceShare(codes[source_id], fen) for source_id, fen in redemption.split],
        payable_fen=redemption.order_amount_fen - redemption.discount_fen,
        voucher=encode(redemption.voucher_id, settings.HUIMIN_CODE_KEY),
        merchant=redemption.merchant.code,
        store=redemption.store.external_id,
        order_no=redemption.order_no,
        order_amount_fen=redemption.order_amount_fen,
        campaign=redemption.campaign.code,
        business_day=redemption.business_day,
        redeemed_at=redemption.redeemed_at,
        expires_at=redemption.expires_at if is_authorised else None,
    )


def redemptions_of(
    caller: Caller,
    *,
    redemption_id: int | None = None,
    order_no: str | None = None,
    key: str | None = None,
) -> QuerySet[Redemption]:
    """The caller's redemptions that fit everything named; others' are as if absent, and so is the
    sandbox to live keys and the other way round."""
    found = Redemption.objects.filter(
        merchant_id__in=caller.merchant_ids, campaign__is_test=caller.is_test
    )
    if caller.store_ids is not None:
        found = found.filter(store_id__in=caller.store_ids)
    if redemption_id is not None:
        found = found.filter(pk=redemption_id)
    if order_no is not None:
        numbered = found.alias(folded_no=Upper("order_no"))
        found = numbered.filter(folded_no=folded(order_no))
    if key is not None:
        found = found.filter(pk__in=_ids_under(caller, key))
    return found.select_related("merchant", "store", "campaign")


def _ids_under(caller: Caller, key: str) -> list[int]:
    """The redemption made under the caller's key; None if it was refused."""
    record = RequestRecord.objects.filter(
        caller_id=caller.credential_id, key=folded(key), status=201
    )
    return [msgspec.json.decode(bytes(r.answer), type=_Numbered).id for r in record]
