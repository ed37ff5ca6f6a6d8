"""Baseline 2: the same rules as one writes them with Django REST framework and its ORM.

A serializer, `atomic`, `select_for_update`, `get_or_create` for the counters, one row after the
other. What a textbook project would also have is shared with the product: the models, the
authentication, the catalogue of refusals, the arithmetic of windows, codes and shares.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from rest_framework.renderers import JSONRenderer

from merchants.auth import Caller
from merchants.errors import Refused
from merchants.models import State, Store
from vouchers.api.schema import RedemptionSchema
from vouchers.http.answers import problem
from vouchers.models import (
    Account,
    Attempt,
    FundingSource,
    Leg,
    LimitCounter,
    LimitRule,
    OrderClaim,
    Proxy,
    Redemption,
    RequestRecord,
    Resident,
    Tranche,
    Transfer,
    Voucher,
)
from vouchers.rules.issuing.codes import decode
from vouchers.rules.limits import limits
from vouchers.rules.redemption.redeem import CAMPAIGN_OVER, split_like
from vouchers.states import (
    AccountKind,
    CampaignState,
    Cause,
    RedemptionState,
    ResidentState,
    ThresholdBasis,
    TierKind,
    TrancheState,
    TransferReason,
    VoucherState,
)

Order = Mapping[str, Any]
NEXT_IDS = "SELECT nextval('vouchers_redemption_id_seq'), nextval('vouchers_transfer_id_seq')"


def redeem(
    *, caller: Caller, key: str, print_: bytes, order: Order, at: datetime
) -> tuple[int, bytes]:
    """HTTP status and body; stored under the caller's key with what they say."""
    try:
        with transaction.atomic():
            record = RequestRecord.objects.filter(caller_id=caller.credential_id, key=key).first()
            if record is not None:
                if bytes(record.fingerprint) != print_:
                    raise Refused("idempotency_key_reused")
                return record.status, bytes(record.answer)
            redemption = _redeem(caller, order, at)
            body = JSONRenderer().render(RedemptionSchema(_body(redemption, order)).data)
            _remember(caller, key, print_, 201, body, at)
            return 201, body
    except Refused as refused:
        status, body, _ = problem(refused.refusal)
        if refused.refusal.code != "idempotency_key_reused":
            with transaction.atomic():
                _note_attempt(caller, key, order, refused, at)
                _remember(caller, key, print_, status, body, at)
        return status, body


def _redeem(caller: Caller, order: Order, at: datetime) -> Redemption:
    store = _store(caller, order)
    voucher_id = decode(order["voucher"], settings.HUIMIN_CODE_KEY)
    voucher = Voucher.objects.select_for_update(no_key=True).filter(pk=voucher_id or 0).first()
    if voucher is None:
        raise Refused("voucher_not_usable", "voucher_unknown")
    tranche = Tranche.objects.select_related("campaign").get(pk=voucher.tranche_id)
    shopper = _shopper(caller, order, voucher, tranche)
    category = _category(store, order, tranche, shopper, voucher, at)
    _check_voucher(voucher, tranche, at)
    _check_order(store, order, category, tranche)
    discount_fen, split = _discount(order, tranche)
    day = limits.business_day(at, tranche.campaign.zone)
    _count(tranche, voucher, store, discount_fen, at)
    with connection.cursor() as cursor:
        cursor.execute(NEXT_IDS)
        redemption_id, transfer_id = cursor.fetchone()
    voucher.state = VoucherState.REDEEMED.value
    voucher.save(update_fields=["state"])
    redemption = Redemption.objects.create(
        id=redemption_id,
        store=store,
        merchant=store.merchant,
        campaign=tranche.campaign,
        voucher=voucher,
        allocation_id=voucher.allocation_id,
        resident_id=voucher.resident_id,
        shown_by=shopper,
        caller_id=caller.credential_id,
        terminal=caller.terminal_code or order.get("terminal", ""),
        order_no=order["order_no"],
        order_amount_fen=order["order_amount_fen"],
        eligible_amount_fen=_eligible_fen(order),
        order_kind=order["order_kind"],
        category=category,
        discount_fen=discount_fen,
        split=split,
        state=RedemptionState.CAPTURED.value,
        business_day=day,
        redeemed_at=at,
    )
    OrderClaim.objects.create(
        store=store,
        order_no=order["order_no"],
        redemption=redemption,
        voucher_id=redemption.voucher_id,
        claimed_at=at,
    )
    _post(transfer_id, redemption, split, at)
    return redemption


def _store(caller: Caller, order: Order) -> Store:
    numbered = Store.objects.select_related("merchant").filter(
        merchant__in=caller.merchant_ids, external_id__iexact=order["store"]
    )
    store = numbered.first()
    if store is None:
        raise Refused("store_not_found")
    if caller.store_ids is not None and store.pk not in caller.store_ids:
        raise Refused("store_not_found")
    return store


def _shopper(caller: Caller, order: Order, voucher: Voucher, tranche: Tranche) -> Resident:
    if tranche.campaign.is_test != caller.is_test:
        raise Refused("voucher_not_usable", "voucher_unknown")
    shopper = Resident.objects.filter(external_id=order["resident"]).first()
    if shopper is None:
        raise Refused("voucher_not_usable", "resident_unknown")
    is_proxy = (
        shopper.pk != voucher.resident_id
        and Proxy.objects.filter(
            proxy=shopper, holder_id=voucher.resident_id, ended_at=None
        ).exists()
    )
    if shopper.pk != voucher.resident_id and not is_proxy:
        raise Refused("voucher_not_usable", "holder_or_proxy")
    return shopper


def _category(
    store: Store,
    order: Order,
    tranche: Tranche,
    shopper: Resident,
    voucher: Voucher,
    at: datetime,
) -> str:
    if store.state != State.ACTIVE or store.merchant.state != State.ACTIVE:
        raise Refused("store_closed")
    part = store.participations.filter(
        Q(valid_until_at=None) | Q(valid_until_at__gt=at),
        campaign=tranche.campaign,
        valid_from_at__lte=at,
    ).first()
    if part is None:
        raise Refused("store_not_participating")
    holder = shopper if shopper.pk == voucher.resident_id else voucher.resident
    if {shopper.state, holder.state} != {ResidentState.ACTIVE}:
        raise Refused("resident_not_active")
    if tranche.campaign.state != CampaignState.RUNNING:
        rule = "campaign_over" if tranche.campaign.state in CAMPAIGN_OVER else ""
        raise Refused("campaign_not_running", rule, state=tranche.campaign.state)
    return str(order.get("category") or part.category or store.category)


def _check_voucher(voucher: Voucher, tranche: Tranche, at: datetime) -> None:
    if voucher.state == VoucherState.WITHDRAWN:
        raise Refused("voucher_withdrawn")
    if voucher.state != VoucherState.ISSUED:
        raise Refused("voucher_redeemed")
    if at < tranche.valid_from_at:
        begins_at = limits.local_time(tranche.valid_from_at, tranche.campaign.zone)
        raise Refused("voucher_not_yet_valid", valid_from_at=begins_at)
    if at >= tranche.valid_until_at or tranche.state == TrancheState.EXPIRED:
        ended_at = limits.local_time(tranche.valid_until_at, tranche.campaign.zone)
        raise Refused("voucher_expired", valid_until_at=ended_at)


def _check_order(store: Store, order: Order, category: str, tranche: Tranche) -> None:
    claim = OrderClaim.objects.filter(store=store, order_no=order["order_no"]).first()
    if claim is not None:
        code = "order_already_used" if claim.redemption_id else "order_reversed"
        raise Refused(code, order_no=order["order_no"])
    campaign = tranche.campaign
    if category in campaign.excluded_categories:
        raise Refused("category_excluded", category=category)
    if campaign.order_kinds and order["order_kind"] not in campaign.order_kinds:
        raise Refused("order_kind_excluded", order_kind=order["order_kind"])
    is_whole = tranche.threshold_basis == ThresholdBasis.PRE_DISCOUNT
    counts_fen = order["order_amount_fen"] if is_whole else _eligible_fen(order)
    if counts_fen < tranche.threshold_fen:
        raise Refused(
            "below_threshold",
            threshold_fen=tranche.threshold_fen,
            missing_fen=tranche.threshold_fen - counts_fen,
        )


def _discount(order: Order, tranche: Tranche) -> tuple[int, Sequence[tuple[int, int]]]:
    face_split = tuple((source_id, fen) for source_id, fen in tranche.split)
    discount_fen = tranche.face_fen
    if tranche.kind == TierKind.PERCENT:
        share_fen = _eligible_fen(order) * (tranche.percent_bp or 0) // 10_000
        discount_fen = min(share_fen, tranche.face_fen)
    if not 0 < discount_fen < _eligible_fen(order):
        raise Refused(
            "payable_too_small", discount_fen=discount_fen, eligible_fen=_eligible_fen(order)
        )
    return discount_fen, split_like(discount_fen, face_split)


def _eligible_fen(order: Order) -> int:
    eligible_fen = order.get("eligible_amount_fen")
    return int(order["order_amount_fen"] if eligible_fen is None else eligible_fen)


def _count(
    tranche: Tranche, voucher: Voucher, store: Store, discount_fen: int, at: datetime
) -> None:
    campaign = tranche.campaign
    subjects = limits.Subjects(voucher.resident_id, store.pk, store.merchant_id)
    rules = [
        limits.LimitRule(campaign.pk, rule.kind, rule.limit_count, rule.limit_fen)
        for rule in LimitRule.objects.filter(campaign=campaign).order_by("kind")
    ]
    for key, rule in limits.counter_keys(rules, subjects, at, campaign.zone):
        counter, _ = LimitCounter.objects.select_for_update().get_or_create(
            kind=key.kind,
            campaign=campaign,
            subject_id=key.subject_id,
            window_no=key.window_no,
            defaults={
                "used_count": 0,
                "used_fen": 0,
                "limit_count": rule.limit_count,
                "limit_fen": rule.limit_fen,
            },
        )
        used = {key: limits.Used(counter.used_count, counter.used_fen)}
        over = limits.judge_limits([(key, rule)], used, discount_fen, zone=campaign.zone)
        if over is not None:
            raise Refused(over.code, over.rule, **over.facts)
        counter.used_count += 1
        counter.used_fen += discount_fen
        counter.limit_count, counter.limit_fen = rule.limit_count, rule.limit_fen
        counter.save()


def _post(
    transfer_id: int,
    redemption: Redemption,
    split: Sequence[tuple[int, int]],
    at: datetime,
) -> None:
    transfer = Transfer.objects.create(
        id=transfer_id,
        at=at,
        campaign=redemption.campaign,
        reason=TransferReason.REDEEM.value,
        cause=Cause.REDEMPTION,
        cause_id=redemption.pk,
    )
    accounts = {
        (account.source_id, account.kind): account
        for account in Account.objects.filter(campaign=redemption.campaign)
    }
    moves = [
        (accounts[source_id, kind], sign * fen)
        for source_id, fen in split
        for kind, sign in ((AccountKind.OUTSTANDING.value, -1), (AccountKind.PAYABLE.value, 1))
        if fen
    ]
    Leg.objects.bulk_create(
        Leg(
            transfer=transfer,
            line_no=number,
            at=at,
            account=account,
            allocation_id=redemption.allocation_id,
            amount_fen=fen,
        )
        for number, (account, fen) in enumerate(moves, 1)
    )


def _body(redemption: Redemption, order: Order) -> dict[str, object]:
    codes = dict(
        FundingSource.objects.filter(campaign=redemption.campaign).values_list("id", "code")
    )
    return {
        "id": redemption.pk,
        "state": RedemptionState(redemption.state).name.lower(),
        "discount_fen": redemption.discount_fen,
        "by_source": [{"source": codes[id_], "fen": fen} for id_, fen in redemption.split],
        "payable_fen": redemption.order_amount_fen - redemption.discount_fen,
        "voucher": order["voucher"],
        "merchant": redemption.merchant.code,
        "store": redemption.store.external_id,
        "order_no": redemption.order_no,
        "order_amount_fen": redemption.order_amount_fen,
        "campaign": redemption.campaign.code,
        "business_day": redemption.business_day,
        "redeemed_at": redemption.redeemed_at,
    }


def _remember(
    caller: Caller, key: str, print_: bytes, status: int, body: bytes, at: datetime
) -> None:
    RequestRecord.objects.create(
        caller_id=caller.credential_id,
        key=key,
        fingerprint=print_,
        status=status,
        answer=body,
        created_at=at,
    )


def _note_attempt(caller: Caller, key: str, order: Order, refused: Refused, at: datetime) -> None:
    refusal = refused.refusal
    named = {name: order[name] for name in ("order_no", "voucher", "store")}
    store = None
    if refusal.code != "store_not_found":
        store = _store(caller, order)
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('vouchers_attempt_id_seq')")
        (attempt_id,) = cursor.fetchone()
    Attempt.objects.create(
        id=attempt_id,
        at=at,
        caller_id=caller.credential_id,
        key=key,
        store_id=store.pk if store else None,
        voucher_id=decode(order["voucher"], settings.HUIMIN_CODE_KEY),
        code=refusal.code,
        rule=refusal.rule,
        facts={**refusal.facts, **named},
    )
