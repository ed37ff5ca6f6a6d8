"""Calls that present a voucher, parsed; and the code as people and scanners read it."""

from datetime import datetime
from typing import Annotated

import msgspec
import segno
from msgspec import Meta

from merchants.auth import Caller
from vouchers.http.code128 import code128_svg
from vouchers.http.redemption import typed_code
from vouchers.http.requests import check_references, decoded, malformed
from vouchers.queries.redemption import IssuedPaper, PresentedCode
from vouchers.rules.issuing.codes import is_code
from vouchers.rules.issuing.numbered_codes import grouped
from vouchers.services.redemption import PaperRequest, PresentRequest

Number = Annotated[str, Meta(min_length=1, max_length=64)]


class Shower(msgspec.Struct, frozen=True, gc=False):
    """Body: who will show the voucher, its holder or a proxy."""

    resident: Number


class PaperHolder(msgspec.Struct, frozen=True, gc=False):
    """Body: the voucher's holder, and the identity number they showed at the desk."""

    resident: Number
    national_id: Annotated[str, Meta(min_length=1, max_length=40)]


class PresentedBody(msgspec.Struct, frozen=True):
    """A presented code: `code` is also the content of QR and Code 128, `digits` the same in groups
    to be read aloud."""

    voucher: str
    code: str
    digits: str
    qr_svg: str
    code128_svg: str
    expires_at: datetime


class PaperBody(msgspec.Struct, frozen=True):
    """A paper's code, as `PresentedBody`."""

    voucher: str
    code: str
    digits: str
    qr_svg: str
    code128_svg: str
    valid_until_at: datetime
    has_replaced: bool


_decode_shower = msgspec.json.Decoder(Shower).decode
_decode_holder = msgspec.json.Decoder(PaperHolder).decode


def present_request(*, caller: Caller, code: str, body: bytes, at: datetime) -> PresentRequest:
    """A call as `present` takes it. Refuses `malformed_request`."""
    shower: Shower = decoded(_decode_shower, body)
    check_references(shower, ("resident",))
    return PresentRequest(caller=caller, code=_printed(code), resident_no=shower.resident, at=at)


def paper_request(*, caller: Caller, code: str, body: bytes, at: datetime) -> PaperRequest:
    """A call as `issue_paper` takes it. Refuses `malformed_request`."""
    holder: PaperHolder = decoded(_decode_holder, body)
    check_references(holder, ("resident",))
    return PaperRequest(
        caller=caller,
        code=_printed(code),
        resident_no=holder.resident,
        national_id=holder.national_id,
        at=at,
    )


def presented_body(presented: PresentedCode) -> PresentedBody:
    """The answer to `present`."""
    return PresentedBody(
        voucher=presented.voucher,
        code=presented.code,
        digits=grouped(presented.code),
        qr_svg=qr_svg(presented.code),
        code128_svg=code128_svg(presented.code),
        expires_at=presented.expires_at,
    )


def paper_body(paper: IssuedPaper) -> PaperBody:
    """The answer to `issue_paper`."""
    return PaperBody(
        voucher=paper.voucher,
        code=paper.code,
        digits=grouped(paper.code),
        qr_svg=qr_svg(paper.code),
        code128_svg=code128_svg(paper.code),
        valid_until_at=paper.valid_until_at,
        has_replaced=paper.has_replaced,
    )


def qr_svg(code: str) -> str:
    """The code as a QR symbol of version 1, which holds 18 digits at level M or better."""
    symbol = segno.make_qr(code, error="m", version=1, mask=0)
    return symbol.svg_inline(omitsize=True, border=4)


def _printed(text: str) -> str:
    code = typed_code(text, "code")
    if not is_code(code):
        raise malformed("a voucher is named by its printed code - at `code`")
    return code
