"""Many redemptions in one call: each line is a single call's body and its idempotency key.

A line is parsed, fingerprinted and answered as the single call would be, so that an order may be
sent alone first and in a batch afterwards, or the other way round: its key finds the first answer.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta

from merchants.auth import Caller
from merchants.errors import Refused
from vouchers.http.answers import problem
from vouchers.http.redemption import REDEMPTIONS, redeem_request
from vouchers.http.requests import check_key, decoded, parse_json
from vouchers.services.acts import Answer
from vouchers.services.redemption import RedeemRequest

LINES_MAX: Final = 500
BATCH_MAX_BYTES: Final = 1024 * 1024
KEY_FIELD: Final = "idempotency_key"

Lines = Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=LINES_MAX)]


class Batch(msgspec.Struct, frozen=True):
    """Body of a batch: its lines, as they were written."""

    redemptions: Lines


class Line(NamedTuple):
    """A line of a batch: its key as it was sent, and its request, or at once its answer."""

    key: str | None
    request: RedeemRequest | Answer


class LineAnswer(msgspec.Struct, frozen=True):
    """The verdict on one line: the status and, byte for byte, the body of the single call."""

    idempotency_key: str | None
    status: int
    replayed: bool
    body: msgspec.Raw


class BatchBody(msgspec.Struct, frozen=True):
    """The verdicts, in the order of the lines."""

    redemptions: list[LineAnswer]


_encode = msgspec.json.Encoder().encode
_decode_batch = msgspec.json.Decoder(Batch).decode


def parse_batch(*, caller: Caller, body: bytes, at: datetime) -> list[Line]:
    """The lines of a batch. Refuses `malformed_request` for what has no lines, too many, or is not
    JSON; a line that is malformed is refused alone."""
    batch: Batch = decoded(_decode_batch, body, max_bytes=BATCH_MAX_BYTES)
    return [_line(caller, bytes(raw), at) for raw in batch.redemptions]


def _line(caller: Caller, raw: bytes, at: datetime) -> Line:
    key: Any = None
    try:
        fields = parse_json(raw)
        if isinstance(fields, dict):
            key = fields.pop(KEY_FIELD, None)
        key = key if isinstance(key, str) else None
        alone = _encode(fields)
        request = redeem_request(
            caller=caller, key=check_key(key), path=REDEMPTIONS, body=alone, at=at
        )
    except Refused as refused:
        return Line(key, problem(refused.refusal))
    return Line(key, request)


def render_batch(lines: Sequence[Line], redeemed: Sequence[Answer]) -> Answer:
    """The answer to a batch; `redeemed` are the answers to its requests, in their order."""
    rest = iter(redeemed)
    verdicts = []
    for line in lines:
        answer = line.request if isinstance(line.request, Answer) else next(rest)
        body = msgspec.Raw(answer.body)
        verdicts.append(LineAnswer(line.key, answer.status, answer.is_replay, body))
    return Answer(200, _encode(BatchBody(verdicts)))
