"""What is kept of a person's numbers: keyed hashes, and originals sealed under a key of their own.

Hashes and wrapping keys are derived from HUIMIN_PII_KEY, one per use, so that equal numbers of
different kinds have nothing in common. Destroying a resident's data key destroys the originals.
"""

import hashlib
import hmac
import re
import secrets
import unicodedata
from calendar import monthrange
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
import phonenumbers
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from numpy.typing import NDArray

ID_KEY_BYTES: Final = 8
ORIGINAL_BYTES: Final = 24
"""Sealed texts are padded to this, so that their length discloses nothing."""

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_NATIONAL_ID: Final = re.compile(r"[1-9][0-9]{16}[0-9X]", re.ASCII)
_PHONE_SIGNS: Final = re.compile(r"[+0-9 ().–-]*")
_PHONE_TYPES: Final = frozenset(
    {
        phonenumbers.PhoneNumberType.MOBILE,
        phonenumbers.PhoneNumberType.FIXED_LINE,
        phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
    }
)
HOME_REGION: Final = "CN"
"""Where a phone number without a country code belongs."""
_WEIGHTS: Final = tuple(pow(2, 17 - place, 11) for place in range(17))
_CHECK_CHARACTERS: Final = "10X98765432"
_YEARS: Final = range(1850, 2200)


def id_keys(external_ids: Sequence[str]) -> NDArray[np.uint64]:
    """First 8 bytes of SHA-256 of each resident's first id, as big-endian numbers."""
    digests = [hashlib.sha256(one.encode()).digest()[:ID_KEY_BYTES] for one in external_ids]
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)


def normalised_national_id(text: str) -> str:
    """Without blanks, with a capital check character."""
    return "".join(text.split()).upper()


def is_national_id(text: str) -> bool:
    """Whether a normalised 18-character id number has a possible birthday and its check character.

    GB 11643: check character by ISO 7064 MOD 11-2.
    """
    if not _NATIONAL_ID.fullmatch(text):
        return False
    year, month, day = int(text[6:10]), int(text[10:12]), int(text[12:14])
    if year not in _YEARS or not 1 <= month <= 12 or not 1 <= day <= monthrange(year, month)[1]:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, text, strict=False))
    return _CHECK_CHARACTERS[total % 11] == text[17]


def normalised_phone(text: str) -> str | None:
    """A person's phone number in E.164 ("+8613800138000"), '' for none; None if it is not valid.

    Numbers of services, extensions and anything written beside the number are not valid.
    """
    if _home_mobile().fullmatch(text):
        return f"+86{text}"
    plain = unicodedata.normalize("NFKC", text).strip()
    if not plain:
        return ""
    try:
        number = phonenumbers.parse(plain, HOME_REGION)
    except phonenumbers.NumberParseException:
        return None
    is_plain = _PHONE_SIGNS.fullmatch(plain) and phonenumbers.is_valid_number(number)
    if not is_plain or phonenumbers.number_type(number) not in _PHONE_TYPES:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@cache
def _home_mobile() -> re.Pattern[str]:
    """The library's own pattern of a mobile number at home: most numbers need no more than it."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(HOME_REGION)
    assert metadata is not None
    assert metadata.mobile is not None
    return re.compile(metadata.mobile.national_number_pattern or "", re.ASCII)


def keyed_hash(kind: str, value: str) -> bytes:
    """HMAC-SHA256 of a number of some kind ("national_id", "phone", "device", …): 32 bytes."""
    return hmac.digest(_subkey(settings.HUIMIN_PII_KEY, f"hash:{kind}"), value.encode(), "sha256")


def keyed_hashes(kind: str, values: Sequence[str]) -> NDArray[np.void]:
    """`keyed_hash` of each value as 32 bytes; zero bytes for an empty one."""
    key, nothing = _subkey(settings.HUIMIN_PII_KEY, f"hash:{kind}"), bytes(_KEY_BYTES)
    digests = [hmac.digest(key, one.encode(), "sha256") if one else nothing for one in values]
    return np.frombuffer(b"".join(digests), dtype=f"V{_KEY_BYTES}")


def new_data_key() -> bytes:
    """A random key for one resident's originals, wrapped for storage."""
    return _encrypt(_wrapping_key(), secrets.token_bytes(_KEY_BYTES))


def seal(data_key: bytes, text: str) -> bytes:
    """Encrypt one text (at most 24 bytes) under a resident's wrapped data key.

    AES-256-GCM: a nonce of 12 bytes, then the text padded with zero bytes, then the tag. The data
    key is wrapped in the same way. Nothing here opens what was sealed.
    """
    return _encrypt(_unwrap(data_key), text.encode().ljust(ORIGINAL_BYTES, b"\0"))


def _unwrap(data_key: bytes) -> bytes:
    return _decrypt(_wrapping_key(), data_key)


def _encrypt(key: bytes, plain: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, None)


def _decrypt(key: bytes, cipher: bytes) -> bytes:
    return AESGCM(key).decrypt(bytes(cipher[:_NONCE_BYTES]), bytes(cipher[_NONCE_BYTES:]), None)


def _wrapping_key() -> bytes:
    return _subkey(settings.HUIMIN_PII_KEY, "wrap:data-key")


@cache
def _subkey(key: bytes, use: str) -> bytes:
    return hmac.digest(key, f"huimin:{use}".encode(), "sha256")
