"""The only writer of the ledger: postings, accounts, and what a source appropriates and sends."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

import psycopg
from django.db import connection, transaction
from django.db.models import F, Sum

from merchants.errors import Refused
from vouchers.models import (
    Account,
    CashReceipt,
    FundingSource,
    QuotaBucket,
    QuotaCell,
    Transfer,
)
from vouchers.models.ledger import INSERT_LEGS, INSERT_TRANSFERS, NEXT_TRANSFER_IDS
from vouchers.models.statements import Answer
from vouchers.states import AccountKind, Cause, TransferReason

AccountIds = Mapping[tuple[int, AccountKind], int]
Split = Sequence[tuple[int, int]]
"""(source id, fen) in source order."""


class Line(NamedTuple):
    """One leg to be: a signed amount on an account, counted in an allocation's slices."""

    account_id: int
    allocation_id: int | None
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Posting:
    """A transfer to be, with its legs whole."""

    campaign_id: int
    reason: TransferReason
    cause: Cause
    cause_id: int
    at: datetime
    lines: Sequence[Line]


def move_lines(
    accounts: AccountIds,
    *,
    split: Split,
    allocation_id: int | None,
    origin: AccountKind,
    target: AccountKind,
) -> list[Line]:
    """Legs that move each source's share from `origin` to `target`; zero shares leave no leg."""
    return list(
        chain.from_iterable(
            (
                Line(accounts[source_id, origin], allocation_id, -amount_fen),
                Line(accounts[source_id, target], allocation_id, amount_fen),
            )
            for source_id, amount_fen in split
            if amount_fen
        )
    )


def post(*, postings: Sequence[Posting]) -> list[int]:
    """Write the postings in the caller's transaction; returns their transfer ids in order.

    The database refuses legs that do not sum to zero per source or that name accounts of another
    campaign (`legs_balance`).
    """
    if not postings:
        return []
    connection.ensure_connection()
    raw = connection.connection
    assert raw is not None
    assert connection.in_atomic_block
    with connection.wrap_database_errors:
        ids = NEXT_TRANSFER_IDS.send(raw, {"count": len(postings)}).rows()
        send_postings(raw, ids, postings)
    return ids


def send_postings(
    raw: psycopg.Connection[Any], ids: Sequence[int], postings: Sequence[Posting]
) -> list[Answer[Any]]:
    """Queue the two INSERTs on a raw connection, for callers that run their own pipeline."""
    transfers = {
        "ids": list(ids),
        "ats": [posting.at for posting in postings],
        "campaign_ids": [posting.campaign_id for posting in postings],
        "reasons": [posting.reason.value for posting in postings],
        "causes": [posting.cause.value for posting in postings],
        "cause_ids": [posting.cause_id for posting in postings],
    }
    legs = [
        (transfer_id, number, posting.at, *line)
        for transfer_id, posting in zip(ids, postings, strict=True)
        for number, line in enumerate(posting.lines, 1)
    ]
    columns = ("transfer_ids", "line_nos", "ats", "account_ids", "allocation_ids", "amounts_fen")
    return [
        INSERT_TRANSFERS.send(raw, transfers),
        INSERT_LEGS.send(raw, dict(zip(columns, map(list, zip(*legs, strict=True)), strict=True))),
    ]


def account_ids(campaign_id: int) -> dict[tuple[int, AccountKind], int]:
    """Every account of a campaign by (source id, kind)."""
    rows = Account.objects.filter(campaign_id=campaign_id).values_list("source_id", "kind", "id")
    return {(source_id, AccountKind(kind)): id_ for source_id, kind, id_ in rows}


def appropriate(
    *, source: FundingSource, expected_fen: int, target_fen: int, at: datetime
) -> Transfer | None:
    """Set what a source appropriates (批复额度), by compare-and-swap on the current figure.

    Up: the difference becomes free money. Down: only what is free can go. The source's own quota
    cell follows, so that issuing can never take more than is appropriated. Repeating a change that
    has been made (the figure is already `target_fen`) changes nothing and returns None.
    Refuses `amount_invalid`, `figure_changed`, `not_free`.
    """
    if target_fen < 0:
        raise Refused("amount_invalid", amount_fen=target_fen)
    with transaction.atomic():
        held = FundingSource.objects.select_for_update(no_key=True).get(pk=source.pk)
        if held.appropriated_fen == target_fen:
            return None
        if held.appropriated_fen != expected_fen:
            raise Refused(
                "figure_changed", expected_fen=expected_fen, actual_fen=held.appropriated_fen
            )
        change_fen = target_fen - expected_fen
        _move_source_cell(held, change_fen, target_fen)
        FundingSource.objects.filter(pk=held.pk).update(appropriated_fen=target_fen)
        source.appropriated_fen = target_fen
        return _post_appropriation(held, change_fen, at)


def _move_source_cell(source: FundingSource, change_fen: int, cap_fen: int) -> None:
    cell, is_new = QuotaCell.objects.get_or_create(
        campaign_id=source.campaign_id,
        source=source,
        tier=None,
        round=None,
        district=None,
        store=None,
        channel=None,
        day=None,
        defaults={"cap_fen": cap_fen},
    )
    if is_new:
        QuotaBucket.objects.create(cell=cell, headroom_fen=cap_fen)
        return
    QuotaCell.objects.filter(pk=cell.pk).update(cap_fen=cap_fen)
    bucket = QuotaBucket.objects.select_for_update(no_key=True).get(cell=cell, number=0)
    free_fen = bucket.headroom_fen or 0
    if free_fen + change_fen < 0:
        raise Refused("not_free", free_fen=free_fen, wanted_fen=-change_fen)
    QuotaBucket.objects.filter(pk=bucket.pk).update(headroom_fen=F("headroom_fen") + change_fen)


def _post_appropriation(source: FundingSource, change_fen: int, at: datetime) -> Transfer:
    _open_accounts(source)
    accounts = account_ids(source.campaign_id)
    posting = Posting(
        campaign_id=source.campaign_id,
        reason=TransferReason.APPROPRIATE if change_fen > 0 else TransferReason.CUT,
        cause=Cause.SOURCE,
        cause_id=source.pk,
        at=at,
        lines=move_lines(
            accounts,
            split=[(source.pk, change_fen)],
            allocation_id=None,
            origin=AccountKind.APPROPRIATED,
            target=AccountKind.FREE,
        ),
    )
    (transfer_id,) = post(postings=[posting])
    return Transfer.objects.get(pk=transfer_id)


def _open_accounts(source: FundingSource) -> None:
    Account.objects.bulk_create(
        [
            Account(campaign_id=source.campaign_id, source=source, kind=kind.value)
            for kind in AccountKind
        ],
        ignore_conflicts=True,
    )


def receive_cash(
    *, source: FundingSource, amount_fen: int, document_no: str, request_id: str, at: datetime
) -> CashReceipt:
    """Record money that has arrived (到账). The same request id again returns the first receipt.

    Refuses `amount_invalid`, and `request_id_reused` when the repeated request says something else.
    """
    if amount_fen <= 0:
        raise Refused("amount_invalid", amount_fen=amount_fen)
    receipt, is_new = CashReceipt.objects.get_or_create(
        request_id=request_id,
        defaults={
            "source": source,
            "amount_fen": amount_fen,
            "document_no": document_no,
            "received_at": at,
        },
    )
    said = (receipt.source_id, receipt.amount_fen, receipt.document_no)
    if not is_new and said != (source.pk, amount_fen, document_no):
        raise Refused("request_id_reused", request_id=request_id)
    return receipt


def cash_received_fen(source_ids: Iterable[int]) -> dict[int, int]:
    """Σ of the receipts of each source, in fen; sources without one are absent."""
    rows = CashReceipt.objects.filter(source_id__in=source_ids).values_list("source_id")
    return dict(rows.annotate(total=Sum("amount_fen")))
