"""The auditor's pack on disk: rows chained by hashes, and people under pseudonyms. Pure.

A pack is a ZIP archive of files of JSON lines, the verifier as a zipapp, and `manifest.json`. Every
line is `{"chain":"…","row":{…}}`: the row is canonical JSON, and `chain` the first 16 hexadecimal
digits of SHA-256 over the link before it (32 bytes; at first the SHA-256 of the file's name), the
row's bytes and a line feed. So the first row that was changed, added or taken away can be named.
The archive ends with a comment of 64 digits: SHA-256 of all bytes before them. `vouchers.verify`
reads all this by itself, without this module.
"""

import hashlib
import zipfile
from binascii import hexlify
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Final

FORMAT: Final = "huimin-audit-pack"
VERSION: Final = 1
MANIFEST: Final = "manifest.json"
VERIFIER: Final = "verify.pyz"
DIGITS: Final = 64
"""Of the archive's comment."""
_SHOWN_BYTES: Final = 8
_BLOCK_BYTES: Final = 64
_UNIX: Final = 3
"""The system that a ZIP archive names as its origin."""


class RowChain:
    """The lines of one file in the making."""

    def __init__(self, name: str) -> None:
        self._link = hashlib.sha256(name.encode()).digest()
        self._whole = hashlib.sha256()
        self.rows = 0

    def lines(self, bodies: Iterable[bytes]) -> bytes:
        """The next rows (canonical JSON each) as lines of the file."""
        link, sha256, lines = self._link, hashlib.sha256, []
        for body in bodies:
            link = sha256(b"%b%b\n" % (link, body)).digest()
            lines.append(b'{"chain":"%b","row":%b}\n' % (hexlify(link[:_SHOWN_BYTES]), body))
        self._link = link
        self.rows += len(lines)
        block = b"".join(lines)
        self._whole.update(block)
        return block

    @property
    def head(self) -> str:
        """The last link, whole."""
        return self._link.hex()

    @property
    def sha256(self) -> str:
        """Of the file's bytes so far."""
        return self._whole.hexdigest()


class Pseudonyms:
    """Pseudonyms of identifiers: equal values get equal names, which cannot be reversed without the
    key.

    The first 64 bits of HMAC-SHA256 (RFC 2104) over "kind|value", in hexadecimal. Both keyed states
    are made once, which halves the time of `hmac.digest`.
    """

    def __init__(self, key: bytes) -> None:
        padded = (key if len(key) <= _BLOCK_BYTES else hashlib.sha256(key).digest()).ljust(
            _BLOCK_BYTES, b"\0"
        )
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def name(self, kind: str, value: int | str) -> str:
        """The pseudonym of one thing of a kind."""
        once, twice = self._inner.copy(), self._outer.copy()
        once.update(f"{kind}|{value}".encode())
        twice.update(once.digest())
        return hexlify(twice.digest()[:_SHOWN_BYTES]).decode()


def zipapp(sources: Mapping[str, bytes], entry_point: str) -> bytes:
    """An archive that Python runs, of sources by path; `entry_point` is a "module:function".

    The same sources give the same bytes on every machine: sorted, uncompressed, without the times
    and attributes of files.
    """
    module, function = entry_point.split(":")
    start = f"from {module} import {function}\n\n{function}()\n".encode()
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for path, source in sorted({**sources, "__main__.py": start}.items()):
            member = zipfile.ZipInfo(path)  # of 1 January 1980
            member.create_system = _UNIX
            archive.writestr(member, source)
    return whole.getvalue()
