"""What a terminal sends to be enrolled, and the key it gets."""

from typing import Annotated

import msgspec
from msgspec import Meta

from merchants.services.terminals import EnrolledTerminal
from vouchers.http.requests import check_text, decoded
from vouchers.services.acts import Answer

_encode = msgspec.json.Encoder().encode


class EnrolBody(msgspec.Struct, frozen=True):
    """The code, as the operator gave it; groups and small letters are as good."""

    code: Annotated[str, Meta(min_length=1, max_length=64)]


class EnrolledBody(msgspec.Struct, frozen=True):
    """The key, which is shown this once, and what it is for."""

    key: str
    merchant: str
    store: str
    terminal: str
    scopes: list[str]
    is_test: bool


_decode = msgspec.json.Decoder(EnrolBody).decode


def enrolment_code(body: bytes) -> str:
    """The code in a body. Refuses `malformed_request`."""
    sent: EnrolBody = decoded(_decode, body)
    check_text(sent)
    return sent.code


def enrolled(terminal: EnrolledTerminal) -> Answer:
    """The answer with the key."""
    store = terminal.terminal.store
    body = EnrolledBody(
        key=terminal.key_text,
        merchant=store.merchant.code,
        store=store.external_id,
        terminal=terminal.terminal.code,
        scopes=terminal.credential.scopes,
        is_test=terminal.credential.is_test,
    )
    return Answer(201, _encode(body))
