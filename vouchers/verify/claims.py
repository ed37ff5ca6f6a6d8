"""Claims: each has the voucher of its holder, in a tranche that grew by just these."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from vouchers.verify.archive import Archive, Row
from vouchers.verify.faults import Fault
from vouchers.verify.vouchers import SERIAL_BITS, SERIALS, Stock

CLAIMED: Final = ("claim", "claim_on_spot")


def check_claims(archive: Archive, stock: Stock) -> Iterator[Fault]:
    """Claims were made while their round was open, by no resident more often than the tier allows,
    and every tranche without a shard holds their vouchers. Call after the vouchers."""
    rounds = {row["id"]: row for row in archive.rows("rounds")}
    allowed = {row["id"]: row["per_resident"] for row in archive.rows("tiers")}
    held: Counter[tuple[str, int, int, str]] = Counter()
    grown: Counter[int] = Counter()
    for row in archive.rows("claims"):
        tranche = row["voucher"] >> SERIAL_BITS
        grown[tranche] += 1
        if not _is_of(row, tranche, stock):
            yield archive.fault("is not a claim of that voucher", "与该券不符")
        if not _is_open(rounds.get(row["round"]), row["claimed_at"]):
            yield archive.fault("its round was not open", "领取时轮次未开放")
        key = (row["resident"], row["round"], row["tier"], row["channel"])
        held[key] += 1
        if held[key] > allowed.get(row["tier"], 0):
            yield archive.fault("more than one resident may have", "超过每人限领数")
    for number, (tranche, terms) in enumerate(stock.tranches.items(), 1):
        if terms["shard"] is None and grown[tranche] != terms["voucher_count"]:
            yield Fault(
                "tranches.jsonl",
                number,
                f"{terms['voucher_count']} vouchers of {grown[tranche]} claims",
                f"领取 {grown[tranche]} 笔，券 {terms['voucher_count']} 张",
            )


def _is_of(row: Row, tranche: int, stock: Stock) -> bool:
    terms, serial = stock.tranches.get(tranche), row["voucher"] & SERIALS
    if terms is None or serial >= len(stock.wallets[tranche].holders):
        return False
    said = (terms["shard"], terms["tier"], terms["round"], stock.wallets[tranche].holders[serial])
    return said == (None, row["tier"], row["round"], int(row["resident"], 16))


def _is_open(claimed: Row | None, at: str) -> bool:
    if claimed is None or claimed["way"] not in CLAIMED:
        return False
    moment = datetime.fromisoformat(at)
    opens, closes = (datetime.fromisoformat(claimed[name]) for name in ("opens_at", "closes_at"))
    return opens <= moment < closes
