"""What every call has in common: its key, its media type, its JSON and its fingerprint."""

import re
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any, Final

import msgspec

from merchants.errors import Refused
from merchants.references import FORM_TEXT, FORM_TEXT_ZH, folded, is_reference
from vouchers.http.problems import in_chinese

KEY_MAX_LENGTH = 255
BODY_MAX_BYTES = 64 * 1024
DISCARDED_MAX_BYTES: Final = 16 * 1024 * 1024
"""Of a body that is not looked at so much is read and thrown away before the answer: a server that
answers while the client still sends has to close the connection, which often loses the answer, or
the client's next request."""
# Deeper nesting is refused before it is read: how deep a reader may go differs from door to door.
NESTING_MAX = 64
UTF8 = frozenset({"utf-8", "utf8"})
PLAIN: Final = frozenset({"", "identity"})
"""Content codings of a body that is read."""
NUL_IN_JSON = b"\\u0000"
"""The one way to write it: JSON allows no control character as it is."""

_JSON_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_JSON_BRACKET = re.compile(rb"[\[\]{}]")
_MISSING_FIELD = re.compile(r"missing required field `(\w+)`")
_PATH = re.compile(r"`(\$[^`]*)`$")

_decode_any = msgspec.json.Decoder().decode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode


def decoded(decode: Callable[[bytes], Any], body: bytes, *, max_bytes: int = BODY_MAX_BYTES) -> Any:
    """What `decode` makes of a body. Refuses `malformed_request`, naming the field, and
    `body_too_large`."""
    if len(body) > max_bytes:
        raise too_large(max_bytes)
    if body.count(b"[") + body.count(b"{") > NESTING_MAX and _nesting(body) > NESTING_MAX:
        raise malformed(f"the body is nested more than {NESTING_MAX} levels deep")
    if not body or body.isspace():
        raise malformed("the body is empty")
    try:
        return decode(body)
    except UnicodeDecodeError:
        raise malformed("the body is not UTF-8") from None
    except msgspec.DecodeError as error:
        raise malformed(str(error)) from None


def _nesting(body: bytes) -> int:
    """The most brackets open at once, outside of texts."""
    depth = deepest = 0
    for bracket in _JSON_BRACKET.findall(_JSON_TEXT.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def check_references(body: msgspec.Struct, names: Iterable[str]) -> None:
    """Refuse a number that breaks the rule of `merchants/references`, naming its field."""
    for name in names:
        value = getattr(body, name)
        if value and not is_reference(value):
            raise not_a_number(f"$.{name}")


def check_text(body: msgspec.Struct) -> None:
    """Refuse NUL, the one character that PostgreSQL does not store."""
    for name in body.__struct_fields__:
        value = getattr(body, name)
        if isinstance(value, str) and "\x00" in value:
            raise malformed(f"the character NUL is not allowed - at `$.{name}`")


def malformed(problem: str) -> Refused:
    """The refusal of a body, with msgspec's own words and its path of the field."""
    sentence, _, place = problem.partition(" - at ")
    path = _PATH.search(place)  # of a key of a map msgspec says "`key` in `$.points`"
    field = path[1] if path else "$"
    if missing := _MISSING_FIELD.search(sentence):
        field = f"{field}.{missing[1]}"
    return Refused(
        "malformed_request", problem=sentence, problem_zh=in_chinese(sentence), field=field
    )


def not_a_number(field: str) -> Refused:
    """The refusal of a number that breaks the rule of `merchants/references`."""
    return Refused("malformed_request", problem=FORM_TEXT, problem_zh=FORM_TEXT_ZH, field=field)


def too_large(max_bytes: int = BODY_MAX_BYTES) -> Refused:
    """The refusal of a body that is not read to its end."""
    return Refused("body_too_large", max_bytes=max_bytes)


def check_media_type(content_type: str | None, body: bytes, *, encoding: str = "") -> None:
    """Refuses `unsupported_media_type` for a body that says it is compressed, or not JSON in UTF-8;
    a body without a type is taken as JSON."""
    if body and encoding.strip().lower() not in PLAIN:
        raise Refused("unsupported_media_type", "compressed", content_encoding=encoding[:80])
    if not body or not content_type:
        return
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    is_json = media_type == "application/json"
    charsets = [part for part in parameters if part.startswith("charset=")]
    is_utf8 = all(part.removeprefix("charset=").strip('"') in UTF8 for part in charsets)
    if not is_json or not is_utf8:
        raise Refused("unsupported_media_type", content_type=content_type[:80])


def check_key(key: str | None) -> str:
    """The idempotency key, folded. Refuses `idempotency_key_required`."""
    if not key or len(key) > KEY_MAX_LENGTH or not is_reference(key):
        raise Refused("idempotency_key_required")
    return folded(key)


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    """SHA-256 of method, path and canonical JSON: key order and white space make no difference."""
    canonical = _encode_sorted(parse_json(body)) if body else b""
    return sha256(b"\n".join((method.encode(), path.encode(), canonical))).digest()


def parse_json(body: bytes) -> Any:
    """Any JSON value. Refuses `malformed_request`."""
    return decoded(_decode_any, body)
