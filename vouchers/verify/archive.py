"""Reading a pack: the archive whole, every row in its place, the first damaged one by name."""

import hashlib
import json
import struct
import zipfile
import zlib
from binascii import hexlify
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from vouchers.verify.arrows import FILES
from vouchers.verify.faults import Broken, Fault

FORMAT: Final = "huimin-audit-pack"
VERSION: Final = 1
MANIFEST: Final = "manifest.json"
VERIFIER: Final = "verify.pyz"
DIGITS: Final = 64
CHUNK_BYTES: Final = 1 << 16
LOCAL_HEADER: Final = struct.Struct("<4s5H3I2H")
ROW_AT: Final = 34
"""Where the row begins in `{"chain":"0123456789abcdef","row":…}`."""

Row = dict[str, Any]


class Place(NamedTuple):
    """The current position of reading, for fault messages."""

    file: str
    row: int


class Archive:
    """An opened pack. Raises Broken when it cannot be read at all."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        try:
            self._raw = open(path, "rb")  # noqa: SIM115  # as long as the archive
            self._zip = zipfile.ZipFile(self._raw)
            self._members = {info.filename: info for info in self._zip.infolist()}
            self.manifest: dict[str, Any] = json.loads(self._zip.read(MANIFEST))
            self._listed = {item["name"]: item for item in self.manifest["files"]}
            self._verifier: dict[str, str] = self.manifest["verifier"]
        except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise Broken(
                Fault(self.name, None, f"cannot be read: {error}", f"无法读取：{error}")
            ) from error
        self.place = Place(MANIFEST, 0)

    def fault(self, en: str, zh: str) -> Fault:
        """A fault of the row that was read last."""
        return Fault(self.place.file, self.place.row or None, en, zh)

    def rows(self, name: str) -> Iterator[Row]:
        """The rows of a file; their chain has been checked before by `check_files`."""
        file = f"{name}.jsonl"
        for number, line in enumerate(self._lines(file), 1):
            self.place = Place(file, number)
            row = json.loads(line[ROW_AT:-1])
            if not isinstance(row, dict):
                raise TypeError("a row is a JSON object")
            yield row

    def bodies(self, name: str) -> Iterator[bytes]:
        """The rows as they stand, byte for byte."""
        file = f"{name}.jsonl"
        for number, line in enumerate(self._lines(file), 1):
            self.place = Place(file, number)
            yield line[ROW_AT:-1]

    def check_manifest(self) -> Iterator[Fault]:
        """The format is known, and the archive holds the files it lists and no others."""
        version = (self.manifest.get("format"), self.manifest.get("version"))
        if version != (FORMAT, VERSION):
            yield Fault(MANIFEST, None, f"unknown format {version}", f"未知格式 {version}")
        wanted = {VERIFIER, *(f"{name}.jsonl" for name in FILES)}
        held = set(self._members) - {MANIFEST}
        listed = {self._verifier["name"], *self._listed}
        for name in sorted(wanted | held | listed):
            if not (name in wanted and name in held and name in listed):
                yield Fault(name, None, "is missing, or does not belong here", "缺失或多余的文件")

    def check_files(self, on_rows: Callable[[str, int], None]) -> Iterator[Fault]:
        """Every row follows the one before it: the first of each file that does not is named."""
        for file in self._listed:
            fault = self._check_chain(file, on_rows)
            if fault:
                yield fault

    def check_verifier(self) -> Iterator[Fault]:
        """The program in the pack has the SHA-256 in the manifest."""
        whole = hashlib.sha256()
        try:
            for block in self._blocks(VERIFIER):
                whole.update(block)
        except zlib.error as error:
            raise Broken(Fault(VERIFIER, None, "cannot be unpacked", "无法解压")) from error
        if whole.hexdigest() != self._verifier["sha256"]:
            yield Fault(VERIFIER, None, "not the file in the manifest", "与清单中的校验值不一致")

    def check_bytes(self) -> Iterator[Fault]:
        """The archive's comment is the SHA-256 of all bytes before it."""
        self._raw.seek(0, 2)
        left, whole = self._raw.tell() - DIGITS, hashlib.sha256()
        self._raw.seek(0)
        while left > 0:
            block = self._raw.read(min(CHUNK_BYTES, left))
            whole.update(block)
            left -= len(block)
        if self._raw.read() != whole.hexdigest().encode():
            yield Fault(
                self.name,
                None,
                "the archive's bytes are not those that were written",
                "压缩包的字节与写入时不一致",
            )

    def _check_chain(self, file: str, on_rows: Callable[[str, int], None]) -> Fault | None:
        listed, sha256, count = self._listed[file], hashlib.sha256, 0
        link, whole = sha256(file.encode()).digest(), sha256()
        try:
            for line in self._lines(file):
                count += 1
                body = line[ROW_AT:-1]
                link = sha256(b"%b%b\n" % (link, body)).digest()
                if line != b'{"chain":"%b","row":%b}' % (hexlify(link[:8]), body):
                    return Fault(file, count, "is not the row that was written", "该行被改动过")
                whole.update(line + b"\n")
        except Broken as broken:
            return broken.fault
        on_rows(file, count)
        if count != listed["rows"]:
            return Fault(
                file,
                count + 1,
                f"{count} rows, but {listed['rows']} were written",
                f"共 {count} 行，应为 {listed['rows']} 行",
            )
        if (link.hex(), whole.hexdigest()) != (listed["head"], listed["sha256"]):
            return Fault(
                file, count or None, "not the file in the manifest", "与清单中的校验值不一致"
            )
        return None

    def _lines(self, file: str) -> Iterator[bytes]:
        """Lines without their line feed. Raises Broken in the first that cannot be read."""
        count, rest = 0, b""
        try:
            for block in self._blocks(file):
                *lines, rest = (rest + block).split(b"\n")
                for line in lines:
                    count += 1
                    yield line
        except zlib.error as error:
            raise Broken(Fault(file, count + 1, "cannot be unpacked", "无法解压")) from error
        if rest:
            raise Broken(Fault(file, count + 1, "is not ended", "该行不完整"))

    def _blocks(self, file: str) -> Iterator[bytes]:
        """The file unpacked. Where that fails, everything before the failure comes first, so that
        the row is named in which it lies."""
        info = self._members[file]
        offset, left = self._data_at(info), info.compress_size
        unpack = zlib.decompressobj(-zlib.MAX_WBITS)
        while left > 0:
            self._raw.seek(offset)
            chunk = self._raw.read(min(CHUNK_BYTES, left))
            if not chunk:
                break
            offset, left = offset + len(chunk), left - len(chunk)
            before = unpack.copy()
            try:
                block = unpack.decompress(chunk)
            except zlib.error:
                yield from _until_broken(before, chunk)
            else:
                yield block
        if not unpack.eof:
            raise zlib.error("the data end too early")

    def _data_at(self, info: zipfile.ZipInfo) -> int:
        self._raw.seek(info.header_offset)
        header = self._raw.read(LOCAL_HEADER.size)
        name = info.filename.encode()
        if len(header) == LOCAL_HEADER.size:
            signature, *_, name_bytes, extra_bytes = LOCAL_HEADER.unpack(header)
            if (signature, self._raw.read(name_bytes)) == (b"PK\3\4", name):
                return info.header_offset + LOCAL_HEADER.size + int(name_bytes + extra_bytes)
        raise Broken(Fault(info.filename, None, "its header is damaged", "文件头损坏"))


def _until_broken(unpack: Any, chunk: bytes) -> Iterator[bytes]:
    for place in range(len(chunk)):
        yield unpack.decompress(chunk[place : place + 1])
