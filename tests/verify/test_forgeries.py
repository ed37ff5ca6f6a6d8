"""A pack changed and hashed anew is refused by what its own rows or the anchors say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.packs import (
    Rows,
    forge,
)
from tests.support.verifier import anchor_line, said


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


def use_of_another(rows: Rows) -> None:
    """As if a resident who was over the limit had been within it."""
    one, another = [row for row in rows["counters"] if row["kind"] == 1 and row["used_count"]][:2]
    for column in ("used_count", "used_fen"):
        another[column], one[column] = another[column] + one[column], 0


def counter_in_two(rows: Rows) -> None:
    """As if a resident had used half of it."""
    first = first_of(rows, "counters", kind=1)
    rows["counters"].append({**first, "used_count": 0, "used_fen": 0})


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
        "is not a store of the terms",
    ),
    "a merchant of that number": (
        lambda rows: rows["merchants"][0].update(code="another"),
        "is not a store of the terms",
    ),
    "a store gone": (lambda rows: rows["stores"].pop(), "of the terms is missing"),
    "a day": (
        lambda rows: first_of(rows, "redemptions", state=2).update(business_day="2026-04-09"),
        "another business day",
    ),
    "another shopper": (
        lambda rows: first_of(rows, "redemptions", state=2).update(shown_by="0" * 16),
        "neither holder nor proxy",
    ),
    "a clawback": (
        lambda rows: rows["refund_parts"][0].update(amount_fen=1),
        "misses its shares",
    ),
    "a refund of no money": (
        lambda rows: rows["refunds"][0].update(amount_fen=0),
        "without a refund or a hold",
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
    "a use counted for another resident": (use_of_another, "kind 1 are not the redemptions"),
    "a counter in two": (counter_in_two, "two of one subject and window"),
    "a counter's limit": (
        lambda rows: rows["counters"][0].update(limit_count=1_000),
        "limit_count 1000, not",
    ),
    "an order delivered": (
        lambda rows: rows["campaign"][0].update(order_kinds=["delivered"]),
        "an order of an excluded kind",
    ),
    "an order's number": (
        lambda rows: rows["campaign"][0].update(order_numbers=["receipt_no"]),
        "lacks its receipt_no",
    ),
    "terms": (
        lambda rows: rows["terms"][0]["document"].update(campaign={}),
        "not what was hashed",
    ),
    "an approver": (
        lambda rows: rows["approvals"][0].update(approver=rows["terms"][0]["edited_by"][0]),
        "a person who edited",
    ),
    "an approval gone": (lambda rows: rows["approvals"].clear(), "its terms were not approved"),
    "a decision gone": (lambda rows: rows["decisions"].clear(), "was not approved"),
    "one's own decision": (
        lambda rows: rows["decisions"][0].update(decided_by=rows["proposals"][0]["proposed_by"]),
        "the one who asked",
    ),
    "a signal out of its case": (
        lambda rows: rows["case_signals"].pop(0),
        "counts 1 signals, not 0",
    ),
    "a signal in two cases": (
        lambda rows: rows["case_signals"][1].update(signal=rows["case_signals"][0]["signal"]),
        "joins no case, no signal, or one of another case",
    ),
    "a case about another shop": (
        lambda rows: rows["cases"][0].update(place=999),
        "is about something else",
    ),
    "a signal of a rule in shadow": (
        lambda rows: rows["signals"][0].update(setting="shadow"),
        "a rule that was not in force",
    ),
    "a case cleared without a reason": (
        lambda rows: first_of(rows, "cases", state="cleared").update(reason=""),
        "without a reason",
    ),
    "a case cleared by nobody": (
        lambda rows: first_of(rows, "cases", state="cleared").update(decided_by="nobody"),
        "decided by nobody",
    ),
    "a case cleared in advance": (
        lambda rows: first_of(rows, "cases", state="cleared").update(decided_at="2026-01-01"),
        "before it was opened",
    ),
    "an open case with a decision": (
        lambda rows: first_of(rows, "cases", state="open").update(reason="x"),
        "is open and decided",
    ),
    "an officer's act": (lambda rows: rows["case_acts"].clear(), "an act on it is missing"),
    "a radius that nobody set": (
        lambda rows: rows["campaign"][0].update(radius_m=1),
        "not what its changes made it",
    ),
    "a change of the set-up": (
        lambda rows: drop(rows, "setup_changes", operation="update", table="vouchers_campaign"),
        "not what its changes made it",
    ),
    "what a change began with": (
        lambda rows: first_of(rows, "setup_changes", operation="update").update(
            before={"name": "x"}
        ),
        "does not begin with what was left",
    ),
    "how a store came to be": (
        lambda rows: drop(rows, "setup_changes", operation="insert", table="merchants_store"),
        "was added by no change",
    ),
    "a store that came twice": (
        lambda rows: rows["setup_changes"].append(
            first_of(rows, "setup_changes", operation="insert")
        ),
        "adds what is there",
    ),
    "a tier taken out unseen": (
        lambda rows: rows["setup_changes"].append(
            {
                **first_of(rows, "setup_changes", operation="insert", table="vouchers_tier"),
                "row": 999,
            }
        ),
        "was never taken out, but is not there",
    ),
    "a word for a number": (
        lambda rows: rows["tranches"][0].update(face_fen="much"),
        "tranches.jsonl row 1",
    ),
    "a fact gone": (lambda rows: rows["redemptions"][0].pop("split"), "redemptions.jsonl row 1"),
}


class TestLies:
    """A forger who computes every hash anew that needs no key still has to make the books agree."""

    @pytest.mark.parametrize("corruption", CORRUPTIONS)
    def test_a_forged_pack_does_not_prove(
        self, pack: Path, tmp_path: Path, corruption: str
    ) -> None:
        change, words = CORRUPTIONS[corruption]
        forged = forge(pack, tmp_path / "forged.zip", lambda rows: void(change(rows)), reseal=True)
        code, text = said(forged)
        assert code == 1, text
        assert words in text, text

    def test_a_percentage_that_is_shared_out_otherwise(
        self, packs_made: dict[str, Path], tmp_path: Path
    ) -> None:
        def shift_a_fen(rows: Rows) -> None:
            split: Any = first_of(rows, "redemptions", discount_fen=4)["split"]
            (one, another) = split
            one[1], another[1] = one[1] - 1, another[1] + 1

        forged = forge(packs_made["returning"], tmp_path / "f.zip", shift_a_fen, reseal=True)
        code, text = said(forged)
        assert code == 1
        assert "is shared out otherwise" in text, text

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
    """For lambdas whose value is not used."""


def backdate(rows: Rows) -> None:
    """A fact of the journal that no other row repeats."""
    rows["journal"][0]["at"] = "2020-01-01T00:00:00.000000Z"
