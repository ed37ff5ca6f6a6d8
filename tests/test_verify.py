"""The verifier alone with a pack: it proves a sound one and names what is wrong in any other."""

import io
import json
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django.plugin import DjangoDbBlocker

from tests.support import database
from tests.support.books import healthy_book
from tests.support.packs import (
    Rows,
    eventful_campaign,
    forge,
    pack_of,
    read_rows,
    returning_campaign,
    write_archive,
)
from vouchers.rules.limits import BY_LINK
from vouchers.states import CAUSES, MONEY_ARROWS, LimitKind, RedemptionState, VoucherState
from vouchers.verify import arrows, ties
from vouchers.verify.__main__ import main

ROOT = Path(__file__).parent.parent
NAMED = re.compile(r"([a-z_]+\.jsonl) row (\d+)")


def said(path: Path, *options: str) -> tuple[int, str]:
    """Exit code and output."""
    out = io.StringIO()
    return main([str(path), *options], out), out.getvalue()


@pytest.fixture(scope="module")
def packs_made(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """Packs of committed books; the database is as before afterwards."""
    folder = tmp_path_factory.mktemp("packs")
    made = {}
    with django_db_blocker.unblock():
        books = {
            "healthy": healthy_book,
            "eventful": eventful_campaign,
            "returning": returning_campaign,
        }
        for name, book in books.items():
            try:
                made[name] = pack_of(book(), folder / f"{name}.zip")
            finally:
                database.restore()
    return made


@pytest.fixture(scope="module")
def pack(packs_made: dict[str, Path]) -> Path:
    """The pack of a campaign that has seen everything."""
    return packs_made["eventful"]


@pytest.mark.parametrize("name", ["healthy", "eventful", "returning"])
def test_a_sound_pack_is_proven(packs_made: dict[str, Path], name: str) -> None:
    code, text = said(packs_made[name])
    assert code == 0, text
    assert "the books are proven" in text


def test_the_eventful_pack_has_everything(pack: Path, packs_made: dict[str, Path]) -> None:
    rows = read_rows(pack)
    assert {row["state"] for row in rows["redemptions"]} == {
        state.value for state in RedemptionState
    }
    assert {row["state"] for row in rows["vouchers"]} == {state.value for state in VoucherState}
    assert {row["kind"] for row in rows["settlement_lines"]} == {"redemption", "refund"}
    assert {row["state"] for row in rows["settlements"]} == {"ready", "paid"}
    for name in ("refund_parts", "holds", "collection_lines", "decisions", "attempts", "seals"):
        assert rows[name], name
    reasons = {row["reason"] for path in packs_made.values() for row in read_rows(path)["journal"]}
    assert reasons >= set(arrows.ARROWS) - {"cut", "lapse", "release"}


def test_the_verifier_in_the_pack_runs_without_any_package(pack: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(pack) as archive:
        program = archive.extract("verify.pyz", tmp_path)
    anchors = tmp_path / "anchors.jsonl"
    anchors.write_text(anchor_line(pack), encoding="utf-8")
    for options in ([], ["--anchors", str(anchors)]):
        done = subprocess.run(
            [sys.executable, "-I", "-S", program, str(pack), *options],
            capture_output=True,
            encoding="utf-8",
            check=False,
            cwd=tmp_path,
            env={"PYTHONIOENCODING": "ascii"},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "the books are proven" in done.stdout


def test_within_a_checkout_it_is_a_module(pack: Path) -> None:
    command = [sys.executable, "-m", "vouchers.verify", str(pack)]
    assert subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode == 0


def test_its_rules_are_the_engines() -> None:
    assert {
        reason.value: {(a.value, b.value) for a, b in moves}
        for reason, moves in MONEY_ARROWS.items()
    } == arrows.ARROWS
    assert {
        reason.value: {c.value for c in causes} for reason, causes in CAUSES.items()
    } == arrows.CAUSES
    once = {kind.value for kind in LimitKind} - set(BY_LINK)
    assert once == ties.RESIDENT_STORE_MERCHANT
    assert tuple(VoucherState) == (
        arrows.ISSUED,
        arrows.AUTHORISED,
        arrows.REDEEMED,
        arrows.WITHDRAWN,
    )
    assert tuple(RedemptionState) == (
        arrows.R_AUTHORISED,
        arrows.R_CAPTURED,
        arrows.R_VOIDED,
        arrows.R_REVERSED,
        arrows.R_REFUNDED,
    )


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

    def test_what_is_no_pack(self, tmp_path: Path) -> None:
        nothing = tmp_path / "nothing.zip"
        assert said(nothing)[0] == 1
        nothing.write_bytes(b"no archive")
        assert said(nothing)[0] == 1
        with zipfile.ZipFile(nothing, "w") as archive:
            archive.writestr("other.txt", "text")
        code, text = said(nothing)
        assert (code, "cannot be read" in text) == (1, True)


def first_of(rows: Rows, name: str, **facts: object) -> dict[str, object]:
    """The first row with these facts."""
    return next(row for row in rows[name] if all(row[k] == v for k, v in facts.items()))


def drop(rows: Rows, name: str, **facts: object) -> None:
    """Take a row away."""
    rows[name].remove(first_of(rows, name, **facts))


def more_fen(rows: Rows) -> None:
    """One fen more moved by the first redemption, in both legs."""
    legs = first_of(rows, "journal", reason="redeem")["legs"]
    legs[0][3] -= 1  # type: ignore[index]
    legs[1][3] += 1  # type: ignore[index]


def one_leg(rows: Rows) -> None:
    first_of(rows, "journal", reason="redeem")["legs"][0][3] -= 1  # type: ignore[index]


CORRUPTIONS: dict[str, tuple[Callable[[Rows], object], str]] = {
    "a leg": (one_leg, "do not balance"),
    "a transfer": (more_fen, "the rows say"),
    "another reason": (
        lambda rows: first_of(rows, "journal", reason="redeem").update(
            reason="settle", cause="settlement"
        ),
        "where its reason may not",
    ),
    "another cause": (
        lambda rows: first_of(rows, "journal", reason="redeem").update(cause="refund"),
        "no cause of its reason's",
    ),
    "journal out of order": (lambda rows: rows["journal"].reverse(), "out of order"),
    "a transfer gone": (lambda rows: drop(rows, "journal", reason="redeem"), "the rows say"),
    "an appropriation": (
        lambda rows: rows["sources"][0].update(appropriated_fen=1),
        "the journal",
    ),
    "a voucher's state": (
        lambda rows: first_of(rows, "vouchers", state=3).update(state=1),
        "the live redemption says",
    ),
    "a voucher's holder": (
        lambda rows: first_of(rows, "vouchers", state=3).update(resident="0" * 16),
        "another voucher's facts",
    ),
    "a voucher gone": (lambda rows: rows["vouchers"].pop(), "vouchers of"),
    "a redemption twice": (
        lambda rows: rows["redemptions"].append(
            {**first_of(rows, "redemptions", state=2), "id": 999_999}
        ),
        "a second time",
    ),
    "a discount": (
        lambda rows: first_of(rows, "redemptions", state=2).update(discount_fen=1),
        "takes off 1 fen",
    ),
    "a threshold": (
        lambda rows: first_of(rows, "redemptions", state=2).update(eligible_amount_fen=1),
        "below the threshold",
    ),
    "another shop": (
        lambda rows: first_of(rows, "redemptions", state=2).update(store=999),
        "took no part",
    ),
    "a store's number": (
        lambda rows: rows["stores"][0].update(store_no="999"),
        "is no store of the terms",
    ),
    "a merchant of that number": (
        lambda rows: rows["merchants"][0].update(code="another"),
        "is no store of the terms",
    ),
    "a store gone": (lambda rows: rows["stores"].pop(), "of the terms is missing"),
    "a day": (
        lambda rows: first_of(rows, "redemptions", state=2).update(business_day="2026-04-09"),
        "another business day",
    ),
    "somebody else": (
        lambda rows: first_of(rows, "redemptions", state=2).update(shown_by="0" * 16),
        "shown by somebody else",
    ),
    "a clawback": (
        lambda rows: rows["refund_parts"][0].update(amount_fen=1),
        "misses its shares",
    ),
    "a refund too large": (
        lambda rows: rows["refunds"][0].update(amount_fen=10**9),
        "beyond what was paid",
    ),
    "a refund of nothing": (
        lambda rows: rows["refunds"][-1].update(redemption=999_999),
        "about no redemption",
    ),
    "a hold gone": (lambda rows: drop(rows, "holds", released_at=None), "risk_held"),
    "a line": (
        lambda rows: first_of(rows, "settlement_lines", kind="redemption").update(amount_fen=1),
        "at another amount",
    ),
    "a netted line": (
        lambda rows: first_of(rows, "settlement_lines", kind="refund").update(amount_fen=-(10**6)),
        "more is recovered than is owed",
    ),
    "a total": (
        lambda rows: rows["settlements"][0].update(total_fen=1),
        "the lines miss its total",
    ),
    "a settlement's file": (
        lambda rows: rows["settlements"][0].update(content="x"),
        "not what was hashed",
    ),
    "a payout unposted": (
        lambda rows: first_of(rows, "settlements", state="ready").update(state="paid"),
        "posted",
    ),
    "cash": (lambda rows: rows["cash_receipts"].clear(), "received"),
    "a collection": (lambda rows: rows["collection_lines"].pop(), "miss its amount"),
    "a cap": (lambda rows: rows["cells"][0].update(cap_fen=1, cap_count=1), "left"),
    "a counter": (lambda rows: rows["counters"][0].update(used_fen=1), "stand"),
    "terms": (
        lambda rows: rows["terms"][0]["document"].update(campaign={}),
        "not what was hashed",
    ),
    "an approver": (
        lambda rows: rows["approvals"][0].update(approver=rows["terms"][0]["edited_by"][0]),
        "somebody who edited",
    ),
    "an approval gone": (lambda rows: rows["approvals"].clear(), "approved by nobody"),
    "a decision gone": (lambda rows: rows["decisions"].clear(), "nobody approved proposal"),
    "one's own decision": (
        lambda rows: rows["decisions"][0].update(decided_by=rows["proposals"][0]["proposed_by"]),
        "the one who asked",
    ),
    "a word for a number": (
        lambda rows: rows["tranches"][0].update(face_fen="much"),
        "tranches.jsonl row 1",
    ),
    "a fact gone": (lambda rows: rows["redemptions"][0].pop("split"), "redemptions.jsonl row 1"),
}


class TestLies:
    """Whoever works everything out anew that needs no key still has to make the books agree."""

    @pytest.mark.parametrize("corruption", CORRUPTIONS)
    def test_a_forged_pack_does_not_prove(
        self, pack: Path, tmp_path: Path, corruption: str
    ) -> None:
        change, words = CORRUPTIONS[corruption]
        forged = forge(pack, tmp_path / "forged.zip", lambda rows: void(change(rows)), reseal=True)
        code, text = said(forged)
        assert code == 1, text
        assert words in text, text

    def test_an_unchanged_forgery_proves(self, pack: Path, tmp_path: Path) -> None:
        forged = forge(pack, tmp_path / "forged.zip", lambda rows: None, reseal=True)
        assert said(forged)[0] == 0

    def test_a_journal_that_was_not_sealed_so(self, pack: Path, tmp_path: Path) -> None:
        forged = forge(pack, tmp_path / "forged.zip", backdate, reseal=False)
        code, text = said(forged)
        assert code == 1
        assert "are not what was sealed" in text

    def test_a_chain_worked_out_anew_fails_against_the_anchors(
        self, pack: Path, tmp_path: Path
    ) -> None:
        anchors = tmp_path / "anchors.jsonl"
        anchors.write_text(f"Keep this message.\n\n{anchor_line(pack)}\n", encoding="utf-8")
        forged = forge(pack, tmp_path / "forged.zip", backdate, reseal=True)
        assert said(forged)[0] == 0
        code, text = said(forged, "--anchors", str(anchors))
        assert code == 1
        assert "anchors.jsonl row 3: seal 1 of the pack is another one" in text
        assert said(pack, "--anchors", str(anchors))[0] == 0

    def test_seals_cut_off_fail_against_the_anchors(self, pack: Path, tmp_path: Path) -> None:
        anchors = tmp_path / "anchors.jsonl"
        anchors.write_text(anchor_line(pack), encoding="utf-8")
        forged = forge(
            pack, tmp_path / "forged.zip", lambda rows: void(rows["seals"].pop()), reseal=False
        )
        assert "lacks this seal" in said(forged, "--anchors", str(anchors))[1]
        anchors.write_text("", encoding="utf-8")
        assert "no anchor of this campaign" in said(pack, "--anchors", str(anchors))[1]


def void(_: object) -> None:
    """For lambdas whose value nobody wants."""


def backdate(rows: Rows) -> None:
    """A fact of the journal that no other row repeats."""
    rows["journal"][0]["at"] = "2020-01-01T00:00:00.000000Z"


def anchor_line(path: Path) -> str:
    """What was sent of a pack's last seal."""
    rows = read_rows(path)
    seal = rows["seals"][-1]
    campaign = rows["campaign"][0]["code"]
    told = {"campaign": campaign, "cell": "main", "day": "2026-04-01"}
    return json.dumps({**told, **{name: seal[name] for name in ("number", "sha256", "until_xid")}})


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
