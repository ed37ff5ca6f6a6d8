"""A till for the tests: vouchers in people's hands, a terminal with a key, and orders to redeem."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any

import msgspec
from django.conf import settings
from django.db import connection, transaction

from merchants.auth import Caller
from merchants.models import Store
from tests.support.cast import NOON
from vouchers.http.answers import render
from vouchers.http.requests import (
    capture_request,
    fingerprint,
    redeem_request,
    reverse_request,
    void_request,
)
from vouchers.models import (
    Allocation,
    Campaign,
    CapCounter,
    Hold,
    Leg,
    OrderClaim,
    QuotaBucket,
    Redemption,
    Refund,
    Resident,
    Tranche,
    Voucher,
)
from vouchers.rules.issuing.codes import encode
from vouchers.services import redemption as redemptions
from vouchers.services.acts import Answer
from vouchers.services.ledger import quotas, transfers
from vouchers.services.redemption import RedeemRequest, RefundRequest
from vouchers.states import AccountKind, Cause, TransferReason, VoucherState

PATH = "/api/v1/redemptions"
_numbers = count(1)


def hand_out(
    campaign: Campaign,
    residents: Sequence[Resident],
    *,
    tier: str = "off20",
    at: datetime = NOON,
    valid_until_at: datetime | None = None,
    hint: int | None = None,
) -> list[Voucher]:
    """One voucher of `tier` for each of `residents`, minted as one tranche outside any run.

    With a `hint` the room is looked for in one sub-bucket first. Refuses `quota_exhausted`.
    """
    assert campaign.terms is not None
    kind = campaign.tiers.get(code=tier)
    split = [(s.source_id, s.amount_fen) for s in kind.splits.order_by("source_id")]
    with transaction.atomic(), connection.cursor() as cursor:
        allocation, _ = Allocation.objects.get_or_create(
            campaign=campaign,
            tier=kind,
            round=None,
            district=None,
            store=None,
            channel=None,
            day=None,
        )
        tranche = Tranche.objects.create(
            campaign=campaign,
            tier=kind,
            terms=campaign.terms,
            voucher_count=len(residents),
            kind=kind.kind,
            face_fen=kind.face_fen,
            threshold_fen=kind.threshold_fen,
            threshold_basis=kind.threshold_basis,
            percent_bp=kind.percent_bp,
            split=split,
            valid_from_at=at,
            valid_until_at=valid_until_at or campaign.ends_at,
            minted_at=at,
        )
        cursor.execute("SELECT huimin_open_tranche(%s)", [tranche.pk])
        first_id = tranche.pk << 20
        cursor.executemany(
            f"INSERT INTO vouchers_voucher_t{tranche.pk:06d}"
            " (id, bucket, resident_id, allocation_id, state) VALUES (%s, %s, %s, %s, %s)",
            [
                (first_id + n, r.bucket, r.pk, allocation.pk, VoucherState.ISSUED.value)
                for n, r in enumerate(residents)
            ],
        )
        cursor.execute("SELECT huimin_attach_tranche(%s)", [tranche.pk])
        wanted = {allocation.pk: len(residents)}
        if hint is None:
            quotas.take(vouchers=wanted)
        else:
            quotas.take_some(vouchers=wanted, hint=hint)
        _post(campaign, allocation, split, len(residents), tranche.pk, at)
    return list(Voucher.objects.filter(id__gte=first_id, id__lt=first_id + len(residents)))


def _post(
    campaign: Campaign,
    allocation: Allocation,
    split: Sequence[tuple[int, int]],
    vouchers: int,
    tranche_id: int,
    at: datetime,
) -> None:
    steps = (
        (TransferReason.RESERVE, AccountKind.FREE, AccountKind.RESERVED),
        (TransferReason.MINT, AccountKind.RESERVED, AccountKind.OUTSTANDING),
    )
    accounts = transfers.account_ids(campaign.pk)
    transfers.post(
        postings=[
            transfers.Posting(
                campaign_id=campaign.pk,
                reason=reason,
                cause=Cause.TRANCHE,
                cause_id=tranche_id,
                at=at,
                lines=transfers.move_lines(
                    accounts,
                    split=[(source_id, fen * vouchers) for source_id, fen in split],
                    allocation_id=allocation.pk,
                    origin=origin,
                    target=target,
                ),
            )
            for reason, origin, target in steps
        ]
    )


def redeem(*, requests: Sequence[RedeemRequest]) -> list[Answer]:
    """The answers to a batch, as both doors render them."""
    return redemptions.redeem(requests=requests, render=render)


def till_of(store: Store, *, credential_id: int = 1, is_test: bool = False) -> Caller:
    """A caller that may redeem in one store."""
    return Caller(
        credential_id=credential_id,
        kind="terminal",
        scopes=frozenset({"redeem"}),
        merchant_ids=frozenset({store.merchant_id}),
        store_ids=frozenset({store.pk}),
        terminal_code="T1",
        channel_code="",
        is_test=is_test,
    )


def code_of(voucher: Voucher) -> str:
    """The printed code of a voucher."""
    return encode(voucher.pk, settings.HUIMIN_CODE_KEY)


def order(
    voucher: Voucher | str,
    store: Store,
    resident: Resident,
    *,
    amount_fen: int = 100_000,
    key: str | None = None,
    at: datetime = NOON,
    caller: Caller | None = None,
    capture: bool = True,
    **fields: Any,
) -> RedeemRequest:
    """A request to redeem `voucher` in `store` on an order of ¥1,000 shown by `resident`.

    Without `capture` it is one to authorise, which no door offers yet.
    """
    number = next(_numbers)
    body = {
        "voucher": voucher if isinstance(voucher, str) else code_of(voucher),
        "store": store.external_id,
        "order_no": f"O{number}",
        "order_amount_fen": amount_fen,
        "resident": resident.external_id,
        **fields,
    }
    request = redeem_request(
        caller=caller or till_of(store),
        key=key or f"key-{number}",
        path=PATH,
        body=msgspec.json.encode(body),
        at=at,
    )
    return request if capture else authorising(request)


def authorising(request: RedeemRequest) -> RedeemRequest:
    """The same, to be captured later; another request under its key."""
    only = msgspec.structs.replace(request.order, capture=False)
    return replace(request, order=only, fingerprint=request.fingerprint[::-1])


def answer_to(request: RedeemRequest) -> tuple[int, dict[str, Any]]:
    """Status and decoded body of one redemption."""
    return decoded(redeem(requests=[request])[0])


def decoded(answer: Answer) -> tuple[int, dict[str, Any]]:
    """Status and decoded body."""
    return answer.status, msgspec.json.decode(answer.body)


def refusal_of(request: RedeemRequest) -> str:
    """The code with which a request is refused."""
    status, body = answer_to(request)
    assert status >= 400, body
    return str(body["code"])


def voided(
    redemption: Redemption, *, caller: Caller, at: datetime = NOON, key: str | None = None
) -> Answer:
    """The answer to voiding a redemption."""
    return redemptions.void(
        request=void_request(
            caller=caller,
            key=key or f"void-{next(_numbers)}",
            path=f"{PATH}/{redemption.pk}/void",
            body=b"",
            at=at,
            redemption_id=redemption.pk,
        ),
        render=render,
    )


def authorised(
    voucher: Voucher,
    store: Store,
    resident: Resident,
    *,
    amount_fen: int = 100_000,
    at: datetime = NOON,
    **fields: Any,
) -> Redemption:
    """A voucher authorised on an order of ¥1,000 that is still to be paid."""
    request = order(voucher, store, resident, amount_fen=amount_fen, at=at, capture=False, **fields)
    status, body = answer_to(request)
    assert (status, body.get("state")) == (201, "authorised"), body
    return Redemption.objects.get(pk=body["id"])


def captured(
    redemption: Redemption,
    *,
    caller: Caller,
    amount_fen: int = 100_000,
    at: datetime = NOON,
    key: str | None = None,
    **fields: Any,
) -> Answer:
    """The answer to capturing an authorisation on a final order of ¥1,000."""
    return redemptions.capture(
        request=capture_request(
            caller=caller,
            key=key or f"capture-{next(_numbers)}",
            path=f"{PATH}/{redemption.pk}/capture",
            body=msgspec.json.encode({"order_amount_fen": amount_fen, **fields}),
            at=at,
            redemption_id=redemption.pk,
        ),
        render=render,
    )


def reversed_(
    store: Store,
    order_no: str,
    *,
    caller: Caller,
    at: datetime = NOON,
    key: str | None = None,
    **fields: Any,
) -> Answer:
    """The answer to reversing an order by its number."""
    return redemptions.reverse(
        request=reverse_request(
            caller=caller,
            key=key or f"reverse-{next(_numbers)}",
            path=f"{PATH}/reverse",
            body=msgspec.json.encode({"store": store.external_id, "order_no": order_no, **fields}),
            at=at,
        ),
        render=render,
    )


def refunded(
    redemption: Redemption,
    *,
    caller: Caller,
    amount_fen: int | None = None,
    store: Store | None = None,
    refund_no: str | None = None,
    at: datetime = NOON,
    key: str | None = None,
    merchant: str = "",
) -> Answer:
    """The answer to refunding what the shopper paid, all of it unless an amount is given."""
    number = next(_numbers)
    paid_fen = redemption.order_amount_fen - redemption.discount_fen
    fen = paid_fen if amount_fen is None else amount_fen
    told = refund_no or f"F{number}"
    return redemptions.refund(
        request=RefundRequest(
            caller=caller,
            key=key or f"refund-{number}",
            fingerprint=fingerprint(
                "POST", f"{PATH}/{redemption.pk}/refunds", msgspec.json.encode([fen, told])
            ),
            at=at,
            redemption_id=redemption.pk,
            store=(store or redemption.store).external_id,
            amount_fen=fen,
            refund_no=told,
            merchant=merchant,
        ),
        render=render,
    )


@contextmanager
def nothing_moves() -> Iterator[None]:
    """Asserts at the end that money, vouchers, redemptions, orders, counters, quotas, holds and
    refunds are as they were."""
    before = _everything()
    yield
    assert _everything() == before


def _everything() -> list[list[str]]:
    movable = (
        Leg,
        Voucher,
        Redemption,
        OrderClaim,
        CapCounter,
        QuotaBucket,
        Tranche,
        Hold,
        Refund,
    )
    return [sorted(map(str, model._base_manager.values())) for model in movable]
