"""A pack with a byte, a row or a file changed is refused, and the place is named."""

import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.packs import (
    write_archive,
)
from tests.support.verifier import said

NAMED = re.compile(r"([a-z_]+\.jsonl) row (\d+)")


class TestDamage:
    """Whatever was not worked out anew is named by its row."""

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_a_flipped_byte_of_the_archive(
        self, pack: Path, tmp_path: Path, data: st.DataObject
    ) -> None:
        whole = pack.read_bytes()
        place = data.draw(st.integers(0, len(whole) - 1))
        bit = data.draw(st.integers(0, 7))
        damaged = tmp_path / "damaged.zip"
        damaged.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << bit)]) + whole[place + 1 :])
        code, text = said(damaged)
        assert code == 1, text
        expected = first_changed_row(pack, damaged, place)
        if expected:
            first = NAMED.search(text)
            assert first, text
            assert (first[1], int(first[2])) == expected

    @given(data=st.data())
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_a_flipped_byte_of_a_row(self, pack: Path, tmp_path: Path, data: st.DataObject) -> None:
        texts = texts_of(pack)
        manifest = texts.pop("manifest.json")
        files = sorted(n for n, text in texts.items() if text and n.endswith(".jsonl"))
        name = data.draw(st.sampled_from(files))
        place = data.draw(st.integers(0, len(texts[name]) - 1))
        text = bytearray(texts[name])
        text[place] ^= 1 << data.draw(st.integers(0, 7))
        damaged = tmp_path / "damaged.zip"
        write_archive(damaged, {**texts, name: bytes(text)}, manifest)
        code, words = said(damaged)
        assert code == 1
        first = NAMED.search(words)
        assert first, words
        assert (first[1], int(first[2])) == (name, texts[name][:place].count(b"\n") + 1)

    @pytest.mark.parametrize("name", ["journal", "vouchers", "redemptions", "attempts"])
    @pytest.mark.parametrize(
        ("change", "named"),
        [
            (lambda lines: lines.pop(0), 1),
            (lambda lines: lines.pop(), 0),
            (lambda lines: lines.insert(1, lines[0]), 2),
            (lambda lines: lines.append(lines[0]), 0),
            (lambda lines: lines.reverse(), 1),
            (lambda lines: lines.clear(), 1),
        ],
        ids=["first gone", "last gone", "inserted", "added", "reordered", "all gone"],
    )
    def test_rows_moved(
        self,
        pack: Path,
        tmp_path: Path,
        name: str,
        change: Callable[[list[bytes]], None],
        named: int,
    ) -> None:
        texts = texts_of(pack)
        manifest, file = texts.pop("manifest.json"), f"{name}.jsonl"
        lines = texts[file].splitlines(keepends=True)
        before = len(lines)
        change(lines)
        texts[file] = b"".join(lines)
        damaged = tmp_path / "damaged.zip"
        write_archive(damaged, texts, manifest)
        code, words = said(damaged)
        first = NAMED.search(words)
        assert code == 1
        assert first, words
        wanted = named or max(before, len(lines))
        assert (first[1], int(first[2])) == (file, wanted)

    def test_a_file_gone_or_added(self, pack: Path, tmp_path: Path) -> None:
        texts = texts_of(pack)
        manifest = texts.pop("manifest.json")
        damaged = tmp_path / "damaged.zip"
        seals = texts.pop("seals.jsonl")
        write_archive(damaged, texts, manifest)
        assert "seals.jsonl: is missing" in said(damaged)[1]
        write_archive(damaged, {**texts, "seals.jsonl": seals, "more.jsonl": b""}, manifest)
        assert "more.jsonl: is missing, or does not belong here" in said(damaged)[1]

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda program: program + b"\n", "verify.pyz: not the file in the manifest"),
            (lambda program: None, "verify.pyz: is missing"),
        ],
        ids=["another", "gone"],
    )
    def test_another_verifier(
        self,
        pack: Path,
        tmp_path: Path,
        change: Callable[[bytes], bytes | None],
        words: str,
    ) -> None:
        texts = texts_of(pack)
        manifest = texts.pop("manifest.json")
        program = change(texts.pop("verify.pyz"))
        damaged = tmp_path / "damaged.zip"
        write_archive(damaged, {**texts, **({"verify.pyz": program} if program else {})}, manifest)
        code, said_of_it = said(damaged)
        assert (code, words in said_of_it) == (1, True), said_of_it

    def test_a_file_that_is_not_a_pack_is_rejected(self, tmp_path: Path) -> None:
        nothing = tmp_path / "nothing.zip"
        assert said(nothing)[0] == 1
        nothing.write_bytes(b"no archive")
        assert said(nothing)[0] == 1
        with zipfile.ZipFile(nothing, "w") as archive:
            archive.writestr("other.txt", "text")
        code, text = said(nothing)
        assert (code, "cannot be read" in text) == (1, True)


def texts_of(path: Path) -> dict[str, bytes]:
    """The files of an archive."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def first_changed_row(pack: Path, damaged: Path, place: int) -> tuple[str, int] | None:
    """File and row in which a damaged archive first reads otherwise; None outside of rows."""
    with zipfile.ZipFile(pack) as archive:
        members = [info for info in archive.infolist() if info.filename.endswith(".jsonl")]
        texts = {info.filename: archive.read(info) for info in members}
    raw = damaged.read_bytes()
    for info in members:
        begin = info.header_offset + 30
        begin += int.from_bytes(raw[begin - 4 : begin - 2], "little")
        begin += int.from_bytes(raw[info.header_offset + 28 : info.header_offset + 30], "little")
        if not begin <= place < begin + info.compress_size:
            continue
        unpack, got, text = zlib.decompressobj(-15), b"", texts[info.filename]
        for byte in raw[begin : begin + info.compress_size]:
            try:
                got += unpack.decompress(bytes([byte]))
            except zlib.error:
                break
        same = next(
            (at for at, (a, b) in enumerate(zip(got, text, strict=False)) if a != b),
            min(len(got), len(text)),
        )
        if got == text:
            return None
        return info.filename, text[:same].count(b"\n") + 1
    return None
