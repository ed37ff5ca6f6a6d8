"""The printed code of a voucher: 20 decimal digits that cannot be guessed and are not stored.

    8 tttttt ssssss ccccccc      tranche number, serial in the tranche, keyed check digits

The first digit keeps codes apart from payment codes, which begin with 10–15 (WeChat), 25–30
(Alipay) or 62 (UnionPay). The check digits are HMAC-SHA256 over tranche and serial, reduced mod
10⁷: a guess is right once in ten million, and a code that fails never reaches the database.
"""

import hmac
import unicodedata
from hashlib import sha256

LENGTH = 20
FIRST_DIGIT = "8"
CHECK_DIGITS = 7
SERIAL_BITS = 20
_SEPARATORS = str.maketrans("", "", "-‐‑‒–—−－")
SERIAL_MASK = (1 << SERIAL_BITS) - 1


def encode(voucher_id: int, key: bytes) -> str:
    """The code of voucher `voucher_id` (tranche × 2²⁰ + serial) under the issuer's key."""
    body = f"{voucher_id >> SERIAL_BITS:06d}{voucher_id & SERIAL_MASK:06d}"
    return f"{FIRST_DIGIT}{body}{_check_digits(body, key)}"


def typed(text: str) -> str:
    """A code as people type it: blanks and dashes dropped, full-width digits folded."""
    return "".join(unicodedata.normalize("NFKC", text).translate(_SEPARATORS).split())


def is_code(text: str) -> bool:
    """Whether a typed text has the form of a code: so many decimal digits."""
    return len(text) == LENGTH and text.isascii() and text.isdigit()


def decode(code: str, key: bytes) -> int | None:
    """The voucher id of a code, or None when it was not made with `key`."""
    if not is_code(code) or code[0] != FIRST_DIGIT:
        return None
    body, check = code[1:13], code[13:]
    if not hmac.compare_digest(check, _check_digits(body, key)):
        return None
    return int(body[:6]) << SERIAL_BITS | int(body[6:])


def numbered(text: str) -> int | None:
    """The voucher id of `000012-000345`, tranche and serial, as lists and logs show it."""
    tranche, _dash, serial = text.partition("-")
    if not (tranche.isdecimal() and serial.isdecimal()):
        return None
    return int(tranche) << SERIAL_BITS | int(serial)


def named(code: str) -> int | None:
    """The voucher id that a code names, whether or not its check digits are right."""
    if not is_code(code) or code[0] != FIRST_DIGIT:
        return None
    return int(code[1:7]) << SERIAL_BITS | int(code[7:13])


def _check_digits(body: str, key: bytes) -> str:
    digest = hmac.digest(key, body.encode(), sha256)
    return f"{int.from_bytes(digest[:8]) % 10**CHECK_DIGITS:0{CHECK_DIGITS}d}"
