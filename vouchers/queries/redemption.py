"""How a redemption reads to a till, and which ones a till may read."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Final

import msgspec
from django.conf import settings
from django.db.models import QuerySet

from merchants.auth import Caller
from merchants.references import folded
from vouchers.models import FundingSource, Redemption, Refund, RequestRecord
from vouchers.rules.issuing.codes import encode
from vouchers.states import RedemptionState

# What an act is answered once it is done: a redemption made, or an act on one.
DONE: Final = (201, 200)


class SourceShare(msgspec.Struct, frozen=True):
    """One payer's part of a discount."""

    source: str
    fen: int


class RefundMade(msgspec.Struct, frozen=True):
    """A refund made on a redemption: of the shopper's money, and of the discount."""

    refund_no: str
    amount_fen: int
    clawback_fen: int
    store: str
    refunded_at: datetime


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
    # When the till says it took the voucher, of an order that it sent later.
    occurred_at: datetime | None = None
    # The oldest first; none when it is made.
    refunds: list[RefundMade] = []


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
    """What the answer to every act on a redemption has had, whenever it was given; one to a claim,
    or to a reversal that found nothing to undo, has none."""

    id: int | None = None


def details_of(redemptions: Iterable[Redemption]) -> list[RedemptionDetails]:
    """Stored redemptions as they stand now, in the order given, with the refunds made on them."""
    rows = list(redemptions)
    campaign_ids = {row.campaign_id for row in rows}
    sources = FundingSource.objects.filter(campaign_id__in=campaign_ids)
    codes = dict(sources.values_list("id", "code"))
    refunds = _refunds_of(row.pk for row in rows)
    return [_details(row, codes, refunds.get(row.pk, [])) for row in rows]


def _refunds_of(redemption_ids: Iterable[int]) -> dict[int, list[RefundMade]]:
    rows = Refund.objects.filter(redemption_id__in=list(redemption_ids)).order_by("id")
    made: dict[int, list[RefundMade]] = {}
    for row in rows.select_related("store"):
        refund = RefundMade(
            refund_no=row.refund_no,
            amount_fen=row.amount_fen,
            clawback_fen=row.clawback_fen,
            store=row.store.external_id,
            refunded_at=row.refunded_at,
        )
        made.setdefault(row.redemption_id, []).append(refund)
    return made


def _details(
    redemption: Redemption, codes: Mapping[int, str], refunds: list[RefundMade]
) -> RedemptionDetails:
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
        occurred_at=redemption.occurred_at,
        refunds=refunds,
    )


def redemptions_of(
    caller: Caller,
    *,
    redemption_id: int | None = None,
    order_no: str | None = None,
    receipt_no: str | None = None,
    payment_ref: str | None = None,
    key: str | None = None,
    store_no: str | None = None,
    merchant: str | None = None,
    business_day: date | None = None,
    since: date | None = None,
) -> QuerySet[Redemption]:
    """The caller's redemptions that fit everything named, the newest first; others' are as if
    absent, and so is the sandbox to live keys and the other way round.

    A search by order, receipt or payment reads the days it is limited to, store by store.
    """
    found = Redemption.objects.filter(
        merchant_id__in=caller.merchant_ids, campaign__is_test=caller.is_test
    )
    # What a caller did under its own key may be on a sister store's redemption: a refund.
    if caller.store_ids is not None and key is None:
        found = found.filter(store_id__in=caller.store_ids)
    if redemption_id is not None:
        found = found.filter(pk=redemption_id)
    numbers = {
        "order_no": order_no,
        "receipt_no": receipt_no,
        "payment_ref": payment_ref,
        "store__external_id": store_no,
        "merchant__code": merchant,
    }
    for column, number in numbers.items():
        if number is not None:
            # Upper and lower case are one number, as `folded` has it.
            found = found.filter(**{f"{column}__iexact": number})
    if business_day is not None:
        found = found.filter(business_day=business_day)
    if since is not None:
        found = found.filter(business_day__gte=since)
    if key is not None:
        found = found.filter(pk__in=_ids_under(caller, key))
    # Not by number: each session draws redemptions' numbers from a range of its own.
    newest_first = found.order_by("-redeemed_at", "-id")
    return newest_first.select_related("merchant", "store", "campaign")


def _ids_under(caller: Caller, key: str) -> list[int]:
    """The redemption that was made, captured, voided, reversed or refunded under the caller's key;
    none if that was refused."""
    record = RequestRecord.objects.filter(
        caller_id=caller.credential_id, key=folded(key), status__in=DONE
    )
    answers = [msgspec.json.decode(bytes(each.answer), type=_Numbered) for each in record]
    return [answer.id for answer in answers if answer.id is not None]
