"""A till for the tests: vouchers in people's hands, a terminal with a key, and orders to redeem."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import msgspec
import numpy as np
from django.conf import settings
from django.db import transaction

from merchants.auth import Caller
from merchants.models import Store
from tests.support.audience import write_audience
from tests.support.cast import NOON
from tests.support.quota_room import take_room
from vouchers.http.answers import render
from vouchers.http.redemption import (
    capture_request,
    redeem_request,
    refund_request,
    reverse_request,
    void_request,
)
from vouchers.models import (
    Campaign,
    Hold,
    Leg,
    LimitCounter,
    OrderClaim,
    QuotaBucket,
    Redemption,
    Refund,
    Resident,
    Run,
    Shard,
    Tier,
    Tranche,
    Voucher,
)
from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.rules.issuing.codes import encode
from vouchers.rules.ledger.quotas import Slice
from vouchers.rules.limits.limits import business_day
from vouchers.services import redemption as redemptions
from vouchers.services.acts import Answer
from vouchers.services.issuing.minting import mint_shard
from vouchers.services.issuing.runs import queue_run
from vouchers.services.ledger import quotas
from vouchers.services.ledger.voucher_money import post_amounts
from vouchers.services.redemption import RedeemRequest
from vouchers.states import AccountKind, Cause, RunState, ShardState, TransferReason

PATH = "/api/v1/redemptions"
BY_HAND = "by hand"
"""So begin the seeds of runs that `issue_vouchers` makes; the same one twice would be one run."""
_numbers = count(1)
_seeds = map(f"{BY_HAND} {{}}".format, count(1))


def issue_vouchers(
    campaign: Campaign,
    residents: Sequence[Resident],
    *,
    tier: str = "off20",
    at: datetime = NOON,
    valid_until_at: datetime | None = None,
) -> list[Voucher]:
    """One voucher of `tier` for each of `residents`, who may be named again, by a run of their own.

    The run is queued, reserved and minted by the product; only its audience and its choice are
    the caller's, and that some live outside every circle. With `valid_until_at` it is made as long
    before that instant as the campaign's vouchers are valid. Raises NoRoomError.
    """
    if valid_until_at is not None:
        campaign.refresh_from_db(fields=["starts_at", "validity_s"])
        at = valid_until_at - timedelta(seconds=campaign.validity_s)
        assert campaign.starts_at <= at, "the campaign begins too late for so short a validity"
    run = queue_run(campaign=campaign, seed=next(_seeds), by="mei", at=at)
    with transaction.atomic():
        shard = _reserved(run, residents, run.campaign.tiers.get(code=tier), at=at)
        tranche = mint_shard(shard_id=shard.pk, fence=shard.fence, at=at)
    first_id = tranche.pk << SERIAL_BITS
    minted = Voucher.objects.filter(id__gte=first_id, id__lt=first_id + len(residents))
    return list(minted.order_by("id"))


def _reserved(run: Run, residents: Sequence[Resident], tier: Tier, *, at: datetime) -> Shard:
    """QUEUED → RESERVED: the audience written, room taken, money set aside, one shard leased."""
    store_ids = write_audience(run, residents, at=at)
    whole = [
        Slice(
            tier.pk,
            district_id=resident.district_id,
            store_id=store_ids[resident.pk],
            day=business_day(at, run.campaign.zone),
        )
        for resident in residents
    ]
    slices = list(map(quotas.cells_of_campaign(run.campaign_id).narrowed, whole))
    known = quotas.allocations_for(campaign_id=run.campaign_id, slices=slices)
    allocation_ids = [known[item] for item in slices]
    wanted = Counter(allocation_ids)
    take_room(wanted)
    price = quotas.prices_of([tier.pk])[tier.pk]
    post_amounts(
        campaign_id=run.campaign_id,
        amounts=[(allocation_id, price, count) for allocation_id, count in sorted(wanted.items())],
        reason=TransferReason.RESERVE,
        cause=Cause.RUN,
        cause_id=run.pk,
        origin=AccountKind.FREE,
        target=AccountKind.RESERVED,
        at=at,
    )
    for state in (RunState.TARGETING, RunState.TARGETED, RunState.RESERVED):
        Run.objects.filter(pk=run.pk).update(state=state)
    return Shard.objects.create(
        run=run,
        number=1,
        tier=tier,
        voucher_count=len(residents),
        resident_ids=np.array([resident.pk for resident in residents], dtype="<i8").tobytes(),
        buckets=np.array([resident.bucket for resident in residents], dtype="<i2").tobytes(),
        allocation_ids=np.array(allocation_ids, dtype="<i8").tobytes(),
        state=ShardState.LEASED.value,
        fence=1,
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


def merchant_of(store: Store, *, credential_id: int = 2) -> Caller:
    """A caller that may redeem in every store of a merchant, and names the till in its orders."""
    return replace(
        till_of(store, credential_id=credential_id),
        kind="merchant",
        store_ids=None,
        terminal_code="",
    )


def code_of(voucher: Voucher) -> str:
    """The printed code of a voucher."""
    return encode(voucher.pk, settings.HUIMIN_CODE_KEY)


def order(
    voucher: Voucher | str,
    store: Store,
    resident: Resident | None,
    *,
    amount_fen: int = 100_000,
    key: str | None = None,
    at: datetime = NOON,
    caller: Caller | None = None,
    capture: bool = True,
    **fields: Any,
) -> RedeemRequest:
    """A request to redeem `voucher` in `store` on an order of ¥1,000 shown by `resident`.

    Without `capture` it is one to authorise.
    """
    number = next(_numbers)
    body = {
        "voucher": voucher if isinstance(voucher, str) else code_of(voucher),
        "store": store.external_id,
        "order_no": f"O{number}",
        "order_amount_fen": amount_fen,
        **({"resident": resident.external_id} if resident else {}),
        "capture": capture,
        **fields,
    }
    return redeem_request(
        caller=caller or till_of(store),
        key=key or f"key-{number}",
        path=PATH,
        body=msgspec.json.encode(body),
        at=at,
    )


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
    body = {
        "store": (store or redemption.store).external_id,
        "amount_fen": paid_fen if amount_fen is None else amount_fen,
        "refund_no": refund_no or f"F{number}",
        "merchant": merchant,
    }
    return redemptions.refund(
        request=refund_request(
            caller=caller,
            key=key or f"refund-{number}",
            path=f"{PATH}/{redemption.pk}/refunds",
            body=msgspec.json.encode(body),
            at=at,
            redemption_id=redemption.pk,
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
        LimitCounter,
        QuotaBucket,
        Tranche,
        Hold,
        Refund,
    )
    return [sorted(map(str, model._base_manager.values())) for model in movable]
