"""The verifier alone with a pack: a sound one is proven, and its rules are the engine's."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.packs import (
    read_rows,
)
from tests.support.verifier import anchor_line, said
from vouchers.rules.limits.limits import BY_LINK, OF_CLAIMS
from vouchers.states import CAUSES, MONEY_ARROWS, LimitKind, RedemptionState, VoucherState
from vouchers.verify import arrows, counters

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["healthy", "eventful", "returning", "claimed"])
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
    assert {row["state"] for row in rows["cases"]} == {"open", "cleared"}
    assert {row["operation"] for row in rows["setup_changes"]} >= {"insert", "update"}
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
    once = {
        kind.value: tuple(kind.name.lower().split("_"))
        for kind in LimitKind
        if kind not in BY_LINK | OF_CLAIMS
    }
    assert once == counters.KINDS
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
