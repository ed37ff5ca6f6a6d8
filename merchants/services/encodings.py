"""Which encoding a text file is in: UTF-8, or GB18030 if it reads as Chinese, else a refusal."""

import codecs
import re
from typing import BinaryIO, Final, NamedTuple

from django.utils.translation import gettext as _

GUESSED: Final = "gb18030"
"""Nearly any bytes are valid GB18030, so that reading them so is a guess."""

_READ_BYTES: Final = 1 << 20
_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_FOREIGN: Final = re.compile(r"[^\x00-\x7f]")
# Han, their punctuation, full-width forms, and the dashes, dots and quotation marks of both.
_CHINESE: Final = re.compile(r"[·‐-‧　-〿㐀-䶿一-鿿＀-￯\U00020000-\U0003ffff]")
_ODD_SHARE: Final = 0.05
_DAMAGED_SHARE: Final = 0.5
"""Of GB18030 read as UTF-8 nearly all is odd; of UTF-8 with some bad bytes, less than this."""


class UnreadableFileError(Exception):
    """Not one row can be read: no such file, not text, or not the columns that are needed."""


class _BadByte(NamedTuple):
    """The line of the first byte that is invalid, and what was read together with it."""

    line: int
    around: bytes


def encoding_of(file: BinaryIO) -> str:
    """The encoding that the whole file is valid in; the file is wound back.

    UnreadableFileError names the line of the first byte that is invalid.
    """
    bad = _bad_byte(file, "utf-8-sig")
    if bad is None:
        return "utf-8-sig"
    if bad.around.startswith(codecs.BOM_UTF8) or _is_chinese(bad.around, "utf-8", _DAMAGED_SHARE):
        raise UnreadableFileError(
            _("Line %(line)s holds a byte that is not UTF-8, as the rest of the file is.")
            % {"line": bad.line}
        )
    worse = _bad_byte(file, GUESSED)
    if worse is not None:
        raise UnreadableFileError(
            _(
                "The file is neither UTF-8 (line %(utf8)s) nor GB18030 (line %(gb18030)s)."
                " Save it as CSV UTF-8."
            )
            % {"utf8": bad.line, "gb18030": worse.line}
        )
    if not _is_chinese(bad.around, GUESSED):
        raise UnreadableFileError(_no_chinese(bad))
    return GUESSED


def _no_chinese(bad: _BadByte) -> str:
    if _is_chinese(bad.around, "big5"):
        text = _("The file is not UTF-8 (line %(line)s) but looks like Big5. Save it as CSV UTF-8.")
    else:
        text = _(
            "The file is not UTF-8 (line %(line)s), and read as GB18030 it is not Chinese."
            " Save it as CSV UTF-8."
        )
    return text % {"line": bad.line}


def _bad_byte(file: BinaryIO, encoding: str) -> _BadByte | None:
    """Where the file is invalid in the encoding; None if it is not. The file is wound back."""
    decoder, line, chunk = codecs.getincrementaldecoder(encoding)(), 1, b""
    file.seek(0)
    try:
        while chunk := file.read(_READ_BYTES):
            if b"\x00" in chunk or chunk.startswith(_UTF16_MARKS):
                raise UnreadableFileError(_("The file is not plain text. Save it as CSV UTF-8."))
            decoder.decode(chunk)
            line += chunk.count(b"\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        # `error.object` may begin with bytes held back from the chunk before; none ends a line.
        return _BadByte(line + error.object.count(b"\n", 0, error.start), chunk or error.object)
    finally:
        file.seek(0)
    return None


def _is_chinese(sample: bytes, encoding: str, odd_share: float = _ODD_SHARE) -> bool:
    """Whether nearly all that is not ASCII decodes to Han and what is written among them."""
    foreign = _FOREIGN.findall(sample.decode(encoding, errors="replace"))
    odd = sum(_CHINESE.match(char) is None for char in foreign)
    return odd <= odd_share * len(foreign)
