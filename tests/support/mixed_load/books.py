"""What PostgreSQL holds after the load, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone

from vouchers.models import (
    Campaign,
    Claim,
    Presentation,
    Redemption,
    Refund,
    RequestRecord,
    Voucher,
)
from vouchers.queries.ledger.balances import balances
from vouchers.rules.issuing.codes import encode
from vouchers.services.proofs.audit import audit
from vouchers.states import AccountKind, RedemptionState, VoucherState

AUDIT_SEED = 1


class RedemptionRow(NamedTuple):
    """A redemption as written."""

    id: int
    voucher: str
    store: str
    order_no: str
    state: RedemptionState


class RefundRow(NamedTuple):
    """A refund as written."""

    number: str
    redemption_id: int
    amount_fen: int
    clawback_fen: int


class ClaimRow(NamedTuple):
    """A claim as written."""

    voucher: str
    resident: str


@dataclass(frozen=True)
class Books:
    """The rows that acts leave. Vouchers by printed code, requests (status and bytes) by key;
    `spent` are the redemptions made with presented codes; `verdict` is the audit's, empty when it
    found nothing."""

    redemptions: Sequence[RedemptionRow]
    refunds: Sequence[RefundRow]
    claims: Sequence[ClaimRow]
    spent: Sequence[int]
    vouchers: Mapping[str, VoucherState]
    requests: Mapping[str, tuple[int, bytes]]
    balances: Mapping[str, Mapping[AccountKind, int]]
    verdict: str


def read_books(campaign: Campaign) -> Books:
    """Read and audit the database in use."""
    broken = audit(at=timezone.now(), seed=AUDIT_SEED).first_broken
    redemptions = Redemption.objects.order_by("id").values_list(
        "id", "voucher_id", "store__external_id", "order_no", "state"
    )
    refunds = Refund.objects.order_by("id").values_list(
        "refund_no", "redemption_id", "amount_fen", "clawback_fen"
    )
    claims = Claim.objects.order_by("id").values_list("voucher_id", "resident__external_id")
    spent = Presentation.objects.exclude(redemption_id=None).order_by("redemption_id")
    records = RequestRecord.objects.values_list("key", "status", "answer")
    return Books(
        redemptions=[
            RedemptionRow(id_, _code(voucher), store, order_no, RedemptionState(state))
            for id_, voucher, store, order_no, state in redemptions
        ],
        refunds=[RefundRow(*row) for row in refunds],
        claims=[ClaimRow(_code(voucher), resident) for voucher, resident in claims],
        spent=[id_ for id_ in spent.values_list("redemption_id", flat=True) if id_ is not None],
        vouchers={
            _code(id_): VoucherState(state)
            for id_, state in Voucher.objects.values_list("id", "state")
        },
        requests={key: (status, bytes(answer)) for key, status, answer in records},
        balances=balances(campaign.pk),
        verdict="" if broken is None else str(broken),
    )


def _code(voucher_id: int) -> str:
    return encode(voucher_id, settings.HUIMIN_CODE_KEY)
