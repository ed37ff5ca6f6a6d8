"""What a source appropriates and sends (批复额度、到账): its figure, its quota cell, its cash."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Sum

from merchants.errors import Refused
from vouchers.models import (
    Account,
    Campaign,
    CashReceipt,
    Collection,
    FundingSource,
    Proposal,
    QuotaBucket,
    QuotaCell,
    Settlement,
)
from vouchers.models.ledger.payouts import SUM_WAITING
from vouchers.queries.ledger.balances import balances
from vouchers.rules.campaigns import proposals as rules
from vouchers.rules.ledger.amounts import check_amount_fen, check_currency
from vouchers.rules.ledger.quotas import Need
from vouchers.services.ledger import quotas
from vouchers.services.ledger.transfers import post_move
from vouchers.services.refusals import refuse, refused_by_database
from vouchers.services.roles import require_permission
from vouchers.sql.pipeline import raw_connection
from vouchers.states import (
    AccountKind,
    CampaignState,
    Cause,
    Decision,
    ProposalKind,
    SettlementState,
    TransferReason,
)


class LockedSource(NamedTuple):
    """A source and the buckets of its own quota cell, locked by the caller's transaction."""

    source: FundingSource
    cell_id: int
    buckets: quotas.Buckets

    @property
    def free_fen(self) -> int:
        """The money that nothing has taken: the headroom of the cell."""
        return quotas.rooms_of(self.buckets)[self.cell_id].fen or 0


def appropriate(
    *,
    source: FundingSource,
    expected_fen: int,
    target_fen: int,
    at: datetime,
    proposal_id: int | None = None,
) -> int | None:
    """Set what a source appropriates (批复额度), by compare-and-swap on the current figure.

    Up: the difference becomes free money. Down: only what is free can go. The source's own quota
    cell follows, so that issuing can never take more than is appropriated. In a draft, repeating a
    change that has been made changes nothing and returns None; later a change needs the number of
    an approved proposal. Inside the caller's transaction; returns the transfer's id. Refuses
    `campaign_state` and as `rules.campaigns.proposals.appropriation` does.
    """
    if proposal_id is None and _demand_draft(source).appropriated_fen == target_fen:
        return None
    held = judge_appropriation(source=source, expected_fen=expected_fen, target_fen=target_fen)
    change_fen = target_fen - expected_fen
    quotas.resize_cells(buckets=held.buckets, changes={held.cell_id: Need(change_fen, 0)})
    FundingSource.objects.filter(pk=source.pk).update(appropriated_fen=target_fen)
    source.appropriated_fen = target_fen
    cause = (Cause.SOURCE, source.pk) if proposal_id is None else (Cause.PROPOSAL, proposal_id)
    return _post_appropriation(held.source, change_fen, cause, at)


def judge_appropriation(
    *, source: FundingSource, expected_fen: int, target_fen: int
) -> LockedSource:
    """The source, locked by the caller's transaction, when its figure may be set as asked.

    Refuses as `rules.campaigns.proposals.appropriation` does.
    """
    held = lock_cell(FundingSource.objects.select_for_update(no_key=True).get(pk=source.pk))
    refuse(
        rules.appropriation(
            current_fen=held.source.appropriated_fen,
            free_fen=held.free_fen,
            expected_fen=expected_fen,
            target_fen=target_fen,
        )
    )
    return held


def lock_cell(source: FundingSource) -> LockedSource:
    """A source that the caller has locked, with its own quota cell locked too."""
    cell_id = source_cell(source).pk
    return LockedSource(source, cell_id, quotas.lock_buckets(cell_ids=[cell_id]))


def source_cell(source: FundingSource) -> QuotaCell:
    """The quota cell of all that a source pays; opened with a cap of zero where there is none.

    The caller has locked the source, so that it is opened once.
    """
    others = ("tier", "round", "district", "store", "channel", "day")
    alone = {f"{dimension}__isnull": True for dimension in others}
    cell = QuotaCell.objects.filter(campaign_id=source.campaign_id, source=source, **alone).first()
    if cell is None:
        cell = QuotaCell.objects.create(campaign_id=source.campaign_id, source=source, cap_fen=0)
        QuotaBucket.objects.create(cell=cell, headroom_fen=0)
    return cell


def _demand_draft(source: FundingSource) -> FundingSource:
    """The source of a draft; once the terms have left the draft, only a proposal changes it."""
    held = FundingSource.objects.select_related("campaign").get(pk=source.pk)
    if held.campaign.state != CampaignState.DRAFT:
        raise Refused("campaign_state", "only_in_draft", state=held.campaign.state)
    return held


def _post_appropriation(
    source: FundingSource, change_fen: int, cause: tuple[Cause, int], at: datetime
) -> int:
    _open_accounts(source)
    reason, arrow = (
        (TransferReason.APPROPRIATE, (AccountKind.APPROPRIATED, AccountKind.FREE))
        if change_fen > 0
        else (TransferReason.CUT, (AccountKind.FREE, AccountKind.APPROPRIATED))
    )
    return post_move(source, abs(change_fen), cause, at, reason=reason, arrow=arrow)


def _open_accounts(source: FundingSource) -> None:
    Account.objects.bulk_create(
        [
            Account(campaign_id=source.campaign_id, source=source, kind=kind.value)
            for kind in AccountKind
        ],
        ignore_conflicts=True,
    )


def receive_cash(
    *,
    source: FundingSource,
    amount_fen: int,
    document_no: str,
    request_id: str,
    by: User,
    at: datetime,
    currency: str = "CNY",
) -> CashReceipt:
    """Record money that has arrived (到账); the same request id again returns the first receipt.

    Refuses `not_permitted`, `currency_mismatch`, as `check_amount_fen` does, `text_too_long`,
    `request_id_reused` when the repeated request differs, and `campaign_state` once the books are
    closed: nothing could pay it out or return it any more.
    """
    require_permission(by, "vouchers.add_cashreceipt", at=at)
    refuse(check_currency(currency, wanted=source.campaign.currency))
    refuse(check_amount_fen(amount_fen))
    with refused_by_database(), transaction.atomic():
        # Held against a closing under way, which looks at the cash.
        campaign = Campaign.objects.select_for_update(no_key=True).get(pk=source.campaign_id)
        receipt, is_new = CashReceipt.objects.get_or_create(
            request_id=request_id,
            defaults={
                "source": source,
                "amount_fen": amount_fen,
                "document_no": document_no,
                "received_at": at,
                "recorded_by": by.get_username(),
            },
        )
        if is_new and campaign.state == CampaignState.CLOSED:
            raise Refused("campaign_state", "books_open", state=campaign.state)
    said = (receipt.source_id, receipt.amount_fen, receipt.document_no)
    if not is_new and said != (source.pk, amount_fen, document_no):
        raise Refused("request_id_reused", request_id=request_id)
    return receipt


def cash_received_fen(source_ids: Iterable[int]) -> dict[int, int]:
    """Σ of the receipts of each source, in fen; sources without one are absent."""
    rows = CashReceipt.objects.filter(source_id__in=source_ids).values_list("source_id")
    return dict(rows.annotate(total=Sum("amount_fen")))


def cash_on_hand_fen(source: FundingSource, *, deciding: int = 0) -> int:
    """Received and collected, neither paid out nor repaid; fen. Stable under the source's lock.

    Repaid is what was approved, but for the proposal that is being decided on just now: the legs
    say the same, and are too many to read for every payout.
    """
    received_fen = cash_received_fen([source.pk]).get(source.pk, 0)
    collected = Collection.objects.filter(source=source).aggregate(fen=Sum("amount_fen"))
    paid = Settlement.objects.filter(source=source, state=SettlementState.PAID.value)
    repayments = Proposal.objects.filter(
        campaign_id=source.campaign_id,
        kind=ProposalKind.REPAYMENT.value,
        decision__decision=Decision.APPROVED.value,
        document__source=source.code,
    ).exclude(pk=deciding)
    repaid_fen = sum(map(int, repayments.values_list("document__amount_fen", flat=True)))
    paid_fen = paid.aggregate(fen=Sum("total_fen"))["fen"] or 0
    return received_fen + (collected["fen"] or 0) - paid_fen - repaid_fen


def spare_cash_fen(source: FundingSource, *, deciding: int = 0) -> int:
    """What of the cash on hand no merchant is owed, in fen; negative where cash is still to come.

    Owed is what is payable or held, and what settlements that wait for cash say, also where a
    refund has made a debt of it meanwhile.
    """
    with connection.wrap_database_errors:
        (waiting,) = SUM_WAITING.send(raw_connection(), {"source_id": source.pk}).rows()
    parts_fen = balances(source.campaign_id).get(source.code, {})
    owed_fen = sum(parts_fen.get(kind, 0) for kind in (AccountKind.PAYABLE, AccountKind.RISK_HELD))
    owed_fen += waiting.total_fen - waiting.payable_fen
    return cash_on_hand_fen(source, deciding=deciding) - owed_fen
