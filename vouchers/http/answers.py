"""Outcomes and refusals as HTTP: status, JSON bytes and headers."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import msgspec

from merchants.errors import Refusal
from vouchers.errors import CATALOGUE, explain
from vouchers.queries.claims import ClaimDetails
from vouchers.queries.redemption import RedemptionDetails, SourceShare
from vouchers.queries.settlement import SettlementDetails
from vouchers.services.acts import Answer
from vouchers.services.redemption.outcomes import Captured, CaptureVoided

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
UNAUTHENTICATED: Final = 401
BUSY: Final = 503

_encode = msgspec.json.Encoder().encode


class CaptureBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of a capture; `code` and `because` say why the final order earned no discount."""

    id: int
    state: str
    discount_fen: int
    by_source: list[SourceShare]
    payable_fen: int
    order_amount_fen: int
    returned_fen: int
    voucher_usable: bool
    captured_at: datetime | None = None
    voided_at: datetime | None = None
    code: str = ""
    because: str = ""
    because_zh: str = ""


def render(outcome: Any) -> Answer:
    """The answer to an act: its outcome, or a refusal. Pure: the same outcome, the same bytes."""
    if isinstance(outcome, RedemptionDetails | ClaimDetails):
        return Answer(201, _encode(outcome))
    if isinstance(outcome, Refusal):
        return problem(outcome)
    if isinstance(outcome, Captured | CaptureVoided):
        return Answer(200, _encode(_capture_body(outcome)))
    return Answer(200, _encode(outcome))


def _capture_body(outcome: Captured | CaptureVoided) -> CaptureBody:
    if isinstance(outcome, Captured):
        return CaptureBody(voucher_usable=False, **msgspec.structs.asdict(outcome))
    return CaptureBody(
        id=outcome.id,
        state=outcome.state,
        discount_fen=0,
        by_source=[],
        payable_fen=outcome.order_amount_fen,
        order_amount_fen=outcome.order_amount_fen,
        returned_fen=outcome.returned_fen,
        voucher_usable=outcome.voucher_usable,
        voided_at=outcome.voided_at,
        code=outcome.reason.code,
        because=explain(outcome.reason, "en"),
        because_zh=explain(outcome.reason, "zh"),
    )


def problem(refusal: Refusal) -> Answer:
    """The RFC 9457 body of a refusal; the same refusal always gives the same bytes."""
    meaning = CATALOGUE[refusal.code]
    body = {
        "type": f"urn:huimin:refusal:{meaning.code}",
        "title": explain(refusal, "en"),
        "title_zh": explain(refusal, "zh"),
        "status": meaning.status,
        "code": meaning.code,
        "retryable": meaning.wording(refusal.rule).retryable,
        "authority": meaning.authority,
        "rule": meaning.answered_rule(refusal.rule),
        "facts": {} if meaning.is_opaque else dict(refusal.facts),
    }
    return Answer(meaning.status, _encode(body))


def found(redemption: RedemptionDetails) -> Answer:
    """One redemption that was asked for."""
    return Answer(200, _encode(redemption))


def found_all(rows: Iterable[RedemptionDetails | SettlementDetails]) -> Answer:
    """The rows of a search."""
    return Answer(200, _encode(list(rows)))


def headers_of(answer: Answer) -> list[tuple[str, str]]:
    """Headers that go with an answer, the same through both doors."""
    headers = [("Content-Type", PROBLEM if answer.status >= 400 else JSON)]
    if answer.is_replay:
        headers.append(("Idempotent-Replayed", "true"))
    if answer.status == BUSY:
        # Only what is not stored under its key can be different a second later.
        headers.append(("Retry-After", "1"))
    if answer.status == UNAUTHENTICATED:
        headers.append(("WWW-Authenticate", "Bearer"))
    return headers
