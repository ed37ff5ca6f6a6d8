"""Codes that stand for a row of their own, not for a voucher's number: shown once, or on paper.

    9 nnnnnnnnnn ccccccc      presented on a telephone: good for a minute and one redemption
    7 nnnnnnnnnn ccccccc      on paper: good with four digits of the holder's identity number

Number of the row and keyed check digits, as in `codes`: HMAC-SHA256 over first digit and number,
reduced mod 10⁷. Eighteen digits, so that a cashier reads three groups of six and Code 128 packs
them in pairs; neither length nor first digit is that of a voucher's printed code, and no payment
code begins with 7 or 9.
"""

import hmac
from hashlib import sha256
from typing import Final, NamedTuple

LENGTH: Final = 18
PRESENTED: Final = "9"
PAPER: Final = "7"
NUMBER_DIGITS: Final = 10
NUMBER_MAX: Final = 10**NUMBER_DIGITS - 1
CHECK_DIGITS: Final = 7
GROUP: Final = 6


class Numbered(NamedTuple):
    """What a genuine code stands for: `kind` is its first digit."""

    kind: str
    number: int


def encode(kind: str, number: int, key: bytes) -> str:
    """The code of row `number` under the issuer's key."""
    body = f"{kind}{number:0{NUMBER_DIGITS}d}"
    return f"{body}{_check_digits(body, key)}"


def is_numbered(text: str) -> bool:
    """Whether a typed text has the form of one of these codes."""
    return (
        len(text) == LENGTH and text.isascii() and text.isdigit() and text[0] in (PRESENTED, PAPER)
    )


def decode(code: str, key: bytes) -> Numbered | None:
    """What a code stands for, or None when it was not made with `key`."""
    if not is_numbered(code):
        return None
    body, check = code[: 1 + NUMBER_DIGITS], code[1 + NUMBER_DIGITS :]
    if not hmac.compare_digest(check, _check_digits(body, key)):
        return None
    return Numbered(body[0], int(body[1:]))


def grouped(code: str) -> str:
    """The code in groups, as people read it aloud."""
    return " ".join(code[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def _check_digits(body: str, key: bytes) -> str:
    digest = hmac.digest(key, body.encode(), sha256)
    return f"{int.from_bytes(digest[:8]) % 10**CHECK_DIGITS:0{CHECK_DIGITS}d}"
