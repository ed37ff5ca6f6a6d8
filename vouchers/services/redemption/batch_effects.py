"""Writes what a batch has decided: a few set-based statements in one pipeline."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from vouchers.models.issuing.vouchers import MOVE_VOUCHERS
from vouchers.models.redemption.redemptions import (
    INSERT_CLAIMS,
    INSERT_REDEMPTIONS,
    claimed_no,
)
from vouchers.rules.limits.tallies import RiskCase, Tally, TallyKey
from vouchers.services.acts import Answer
from vouchers.services.acts.attempts import Attempt, record_attempts
from vouchers.services.acts.idempotency import store_answers
from vouchers.services.ledger.transfers import Posting, move_lines, send_postings
from vouchers.services.limits.counters import send_taken
from vouchers.services.limits.risk import write_tallies
from vouchers.services.redemption.batch_judge import Effect, Verdict
from vouchers.services.redemption.codebook import is_wrong_try
from vouchers.services.redemption.events import events_of_batch
from vouchers.services.redemption.risk_effects import (
    Held,
    Noticed,
    hold_ids,
    hold_posting,
    reason_of,
    rules_named,
    send_holds,
    send_signals,
)
from vouchers.services.redemption.shown import send_uses, send_wrong_codes
from vouchers.services.webhooks import messages_of, send_messages
from vouchers.sql.pipeline import pipeline
from vouchers.states import AccountKind, Cause, TransferReason

_encode = msgspec.json.encode


def write(
    verdicts: Sequence[Verdict], answers: Sequence[Answer], *, tallies: Mapping[TallyKey, Tally]
) -> None:
    """Write everything the verdicts decided, and store the answers rendered of them."""
    accepted = [(verdict, verdict.effect) for verdict in verdicts if verdict.effect is not None]
    refused = [verdict for verdict in verdicts if verdict.refusal is not None]
    lasting = [
        (verdict.pending.request, answer)
        for verdict, answer in zip(verdicts, answers, strict=True)
        if verdict.is_stored
    ]
    kept_back = [(v, effect) for v, effect in accepted if effect.is_held]
    held = [_held(verdict, effect) for verdict, effect in kept_back]
    held_ids = hold_ids(len(held))
    messages = messages_of(events_of_batch(verdicts))
    with pipeline() as raw:
        if accepted:
            effects = [effect for _, effect in accepted]
            for state, voucher_ids in _moved(effects).items():
                MOVE_VOUCHERS.send(raw, {"voucher_ids": voucher_ids, "state": state})
            INSERT_REDEMPTIONS.send(raw, _redemptions(accepted))
            INSERT_CLAIMS.send(raw, _claims(accepted))
            send_holds(raw, held_ids, held)
            ids = [effect.transfer_id for effect in effects]
            postings = [_posting(v, effect) for v, effect in accepted]
            for (hold_id, transfer_id), one, (_, effect) in zip(
                held_ids, held, kept_back, strict=True
            ):
                ids.append(transfer_id)
                postings.append(hold_posting(hold_id, one, effect.terms.campaign))
            send_postings(raw, ids, postings)
            write_tallies(raw, tallies)
        send_signals(raw, [_noticed(v, v.case) for v in verdicts if v.case and v.findings])
        send_uses(raw, used=_used(accepted), tried=_tried(refused))
        if wrong := [(v.wrong, v.pending.request.at) for v in refused if v.wrong]:
            send_wrong_codes(raw, wrong)
        if refused:
            record_attempts(raw, [_attempt(verdict) for verdict in refused])
        if messages is not None:
            send_messages(raw, messages)
        if lasting:
            store_answers(raw, lasting)
        if accepted:
            send_taken(raw, [(e.counters, e.decision.discount_fen) for _, e in accepted])


def _used(accepted: Sequence[tuple[Verdict, Effect]]) -> dict[int, int]:
    """By presentation the redemption it made."""
    return {
        effect.presentation_id: effect.redemption_id
        for _, effect in accepted
        if effect.presentation_id is not None
    }


def _tried(refused: Sequence[Verdict]) -> Mapping[int, int]:
    """Wrong tries by paper."""
    return Counter(
        verdict.pending.code.row_id
        for verdict in refused
        if verdict.refusal is not None and is_wrong_try(verdict.refusal)
    )


def _moved(effects: Sequence[Effect]) -> dict[int, list[int]]:
    """Ids of the vouchers by the state they go into: one for most batches, two at most."""
    moved: dict[int, list[int]] = {}
    for effect in effects:
        moved.setdefault(effect.voucher_state.value, []).append(effect.voucher.id)
    return moved


REDEMPTION_COLUMNS = (
    "id",
    "store_id",
    "merchant_id",
    "campaign_id",
    "voucher_id",
    "allocation_id",
    "resident_id",
    "shown_by_id",
    "caller_id",
    "terminal",
    "device",
    "order_no",
    "order_amount_fen",
    "eligible_amount_fen",
    "order_kind",
    "category",
    "payment_ref",
    "receipt_no",
    "discount_fen",
    "split",
    "state",
    "business_day",
    "redeemed_at",
    "authorised_fen",
    "expires_at",
    "links",
    "occurred_at",
)


def _redemptions(accepted: Sequence[tuple[Verdict, Effect]]) -> dict[str, Sequence[object]]:
    rows = [_redemption(verdict, effect) for verdict, effect in accepted]
    return dict(zip(REDEMPTION_COLUMNS, zip(*rows, strict=True), strict=True))


def _redemption(verdict: Verdict, effect: Effect) -> tuple[object, ...]:
    """The values of REDEMPTION_COLUMNS."""
    request = verdict.pending.request
    order = request.order
    eligible_fen = order.eligible_amount_fen
    return (
        effect.redemption_id,
        effect.store.id,
        effect.store.merchant_id,
        effect.terms.facts.campaign_id,
        effect.voucher.id,
        effect.allocation_id,
        effect.voucher.resident_id,
        effect.shown_by_id,
        request.caller.credential_id,
        effect.terminal,
        order.device,
        order.order_no,
        order.order_amount_fen,
        order.order_amount_fen if eligible_fen is None else eligible_fen,
        order.order_kind,
        effect.category,
        order.payment_ref,
        order.receipt_no,
        effect.decision.discount_fen,
        _encode(effect.decision.split).decode(),
        effect.state.value,
        effect.business_day,
        request.at,
        None if effect.expires_at is None else effect.decision.discount_fen,
        effect.expires_at,
        None if effect.links is None else f"{{{','.join(map(str, effect.links))}}}",
        order.occurred_at,
    )


def _claims(accepted: Sequence[tuple[Verdict, Effect]]) -> dict[str, list[object]]:
    return {
        "store_ids": [effect.store.id for _, effect in accepted],
        "order_nos": [
            claimed_no(v.pending.request.order.order_no, is_test=effect.terms.facts.is_test)
            for v, effect in accepted
        ],
        "redemption_ids": [effect.redemption_id for _, effect in accepted],
        "voucher_ids": [effect.voucher.id for _, effect in accepted],
        "ats": [v.pending.request.at for v, _ in accepted],
    }


def _posting(verdict: Verdict, effect: Effect) -> Posting:
    is_captured = effect.expires_at is None
    return Posting(
        campaign_id=effect.terms.facts.campaign_id,
        reason=TransferReason.REDEEM if is_captured else TransferReason.AUTHORISE,
        cause=Cause.REDEMPTION,
        cause_id=effect.redemption_id,
        at=verdict.pending.request.at,
        lines=move_lines(
            effect.terms.campaign.accounts,
            split=effect.decision.split,
            allocation_id=effect.allocation_id,
            origin=AccountKind.OUTSTANDING,
            target=AccountKind.PAYABLE if is_captured else AccountKind.AUTHORISED,
        ),
    )


def _held(verdict: Verdict, effect: Effect) -> Held:
    assert effect.held_by is not None
    assert verdict.case is not None
    return Held(
        effect.redemption_id,
        effect.voucher.id,
        effect.allocation_id,
        effect.decision.split,
        verdict.pending.request.at,
        reason_of(effect.held_by),
        rules_named(verdict.case.rules.number),
        verdict.case.rules.version_id,
    )


def _noticed(verdict: Verdict, case: RiskCase) -> Noticed:
    return Noticed(
        case,
        verdict.findings,
        verdict.pending.voucher_id or 0,
        verdict.pending.request.order.order_no,
        None if verdict.effect is None else verdict.effect.redemption_id,
    )


def _attempt(verdict: Verdict) -> Attempt:
    refusal, request = verdict.refusal, verdict.pending.request
    assert refusal is not None
    order = request.order
    shown = {"order_no": order.order_no, "voucher": order.voucher, "store": order.store}
    if order.merchant:
        shown["merchant"] = order.merchant
    return Attempt(
        request,
        refusal,
        {**refusal.facts, **shown},
        store_id=None if verdict.store is None else verdict.store.id,
        voucher_id=verdict.pending.voucher_id,
    )
