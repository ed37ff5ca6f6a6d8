"""Money moved the naive way, for the controls of races: without a lock, whatever else moves it."""

from tests.support.cast import NOON
from vouchers.models import Redemption, Tranche, Transfer, Voucher
from vouchers.services.ledger import transfers
from vouchers.services.ledger.transfers import Split
from vouchers.states import AccountKind, Cause, TransferReason


def has_moved(reason: TransferReason, *, cause_id: int) -> bool:
    """Whether money has moved for a reason already, as far as can be seen."""
    return Transfer.objects.filter(reason=reason, cause_id=cause_id).exists()


def move_discount(
    redemption: Redemption, reason: TransferReason, origin: AccountKind, target: AccountKind
) -> None:
    """A redemption's whole discount goes from one account to another."""
    _post(
        redemption.campaign_id,
        redemption.split,
        redemption.allocation_id,
        reason,
        redemption.pk,
        origin,
        target,
    )


def pay_face(voucher: Voucher, *, cause_id: int) -> None:
    """A voucher's whole face is owed to the merchant from now on."""
    tranche = Tranche.objects.get(pk=voucher.tranche_id)
    _post(
        tranche.campaign_id,
        tranche.split,
        voucher.allocation_id,
        TransferReason.REDEEM,
        cause_id,
        AccountKind.OUTSTANDING,
        AccountKind.PAYABLE,
    )


def _post(
    campaign_id: int,
    split: Split,
    allocation_id: int,
    reason: TransferReason,
    cause_id: int,
    origin: AccountKind,
    target: AccountKind,
) -> None:
    lines = transfers.move_lines(
        transfers.account_ids(campaign_id),
        split=split,
        allocation_id=allocation_id,
        origin=origin,
        target=target,
    )
    cause = Cause.REFUND if reason is TransferReason.REFUND else Cause.REDEMPTION
    posting = transfers.Posting(campaign_id, reason, cause, cause_id, NOON, lines)
    transfers.post(postings=[posting])
