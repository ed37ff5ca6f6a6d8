"""Redemptions held against the terms frozen into their tranches, with what followed each: refunds,
holds, settlement lines. They are read side by side in the order of redemptions, so that little is
kept in memory; what the accounts must hold is added up on the way."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from vouchers.verify.archive import Archive, Row
from vouchers.verify.arrows import LIVE, R_AUTHORISED, R_CAPTURED, R_REFUNDED
from vouchers.verify.counters import Counted, kinds_of
from vouchers.verify.faults import Fault
from vouchers.verify.grouped import Grouped
from vouchers.verify.journal import Slot
from vouchers.verify.vouchers import SERIAL_BITS, SERIALS, Stock

CHINA: Final = timezone(timedelta(hours=8))
"""The fixed offset used where the machine has no time-zone data."""
PERCENT: Final = 10_000

Sums = dict[Slot, int]


def _sums() -> Sums:
    return defaultdict(int)


@dataclass
class Tally:
    """What redemptions and what followed them add up to, by slot."""

    authorised: Sums = field(default_factory=_sums)
    owed: Sums = field(default_factory=_sums)
    """Payable and held together."""
    held: Sums = field(default_factory=_sums)
    settled: Sums = field(default_factory=_sums)
    recoverable: Sums = field(default_factory=_sums)
    rests: Sums = field(default_factory=_sums)
    """What percentage redemptions left of the faces of unexpired vouchers, in fen."""
    to_settle: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """What a payout moves from payable to settled, by settlement; `to_net`: from recoverable."""
    to_net: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    line_fen: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    line_count: Counter[int] = field(default_factory=Counter)
    begun: Counter[str] = field(default_factory=Counter)
    counted: Counted = field(default_factory=Counted)
    """The redemptions that stand, and their subsidy that was not called back, as limits count."""


@dataclass
class Followed:
    """A redemption with its refunds, settlement and collection lines, and holds."""

    row: Row
    split: dict[int, int]
    refunds: list[Row]
    parts: list[Row]
    lines: list[Row]
    collected: list[Row]
    holds: list[Row]

    @property
    def clawback_fen(self) -> int:
        """What was called back in all."""
        return sum(part["amount_fen"] for part in self.parts)

    def clawed(self, source: int, **columns: object) -> int:
        """What was called back for one source, of the parts with these columns."""
        return sum(
            part["amount_fen"]
            for part in self.parts
            if part["source"] == source
            and all(part[name] == value for name, value in columns.items())
        )


class Redemptions:
    """The check of all redemptions; `tally` is whole when it has been run through."""

    def __init__(self, archive: Archive, stock: Stock, tally: Tally) -> None:
        self._archive = archive
        self._stock = stock
        self._tally = tally
        (self._campaign,) = archive.rows("campaign")
        self._kinds = kinds_of(archive)
        self._zone = _zone(self._campaign["zone"])
        self._merchants = {row["id"]: row["merchant"] for row in archive.rows("stores")}
        self._takes_part: dict[int, list[Row]] = defaultdict(list)
        for row in archive.rows("participations"):
            self._takes_part[row["store"]].append(row)
        self._proxies: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in archive.rows("proxies"):
            self._proxies[row["holder"], row["proxy"]].append(row)
        self._settlements = {
            row["id"]: {name: row[name] for name in ("merchant", "source", "state")}
            for row in archive.rows("settlements")
        }

    def check(self) -> Iterator[Fault]:
        """Every redemption, in the order of their numbers."""
        names = ("refunds", "refund_parts", "settlement_lines", "collection_lines", "holds")
        followers = [Grouped(self._archive, name) for name in names]
        before = 0
        for row in self._archive.rows("redemptions"):
            if row["id"] <= before:
                yield self._fault("is out of order", "顺序不对")
            before = row["id"]
            split = dict(row["split"])
            item = Followed(row, split, *(group.of(row["id"]) for group in followers))
            yield from self._judge(item)
        for group in followers:
            group.end()

    def _judge(self, item: Followed) -> Iterator[Fault]:
        tranche = item.row["voucher"] >> SERIAL_BITS
        wallet = self._stock.wallets.get(tranche)
        serial = item.row["voucher"] & SERIALS
        if wallet is None or serial >= len(wallet.states):
            yield self._fault("is of a voucher that is not there", "券不存在")
            return
        facts = (wallet.allocations[serial], wallet.holders[serial])
        if facts != (item.row["allocation"], int(item.row["resident"], 16)):
            yield self._fault("has another voucher's facts", "与其券的记录不符")
        if item.row["state"] in LIVE:
            if wallet.live[serial]:
                yield self._fault("uses a voucher a second time", "同一张券重复核销")
            wallet.live[serial] = item.row["state"]
        yield from self._judge_terms(item, self._stock.tranches[tranche])
        yield from self._judge_place(item)
        yield from self._judge_order(item.row)
        yield from self._judge_refunds(item)
        yield from self._judge_lines(item)
        self._add(item, tranche)

    def _judge_terms(self, item: Followed, tranche: Row) -> Iterator[Fault]:
        row = item.row
        if tranche["kind"] == "percent":
            most = row["eligible_amount_fen"] * tranche["percent_bp"] // PERCENT
            fen = min(most, tranche["face_fen"], row["authorised_fen"] or tranche["face_fen"])
            is_split = row["split"] == _shared_out(fen, row["authorised_fen"], tranche["split"])
        else:
            fen, is_split = tranche["face_fen"], row["split"] == tranche["split"]
        if row["discount_fen"] != fen:
            yield self._fault(f"takes off {row['discount_fen']} fen, not {fen}", "优惠额与条款不符")
        if not is_split or sum(item.split.values()) != fen:
            yield self._fault("is shared out otherwise than its face", "各方分摊与面额分摊不符")
        counted = row["eligible_amount_fen"]
        if not 0 <= counted <= row["order_amount_fen"]:
            yield self._fault("its eligible amount is beyond the order", "可优惠金额超过订单")
        if tranche["threshold_basis"] == "pre_discount":
            counted = row["order_amount_fen"]
        if counted < tranche["threshold_fen"]:
            yield self._fault("is below the threshold", "未达到使用门槛")
        if row["eligible_amount_fen"] - row["discount_fen"] < 1:
            yield self._fault("leaves nothing to pay", "顾客实付不足一分")
        if not _covers(tranche, row["redeemed_at"]):
            yield self._fault("is outside the voucher's window", "不在券有效期内")

    def _judge_place(self, item: Followed) -> Iterator[Fault]:
        row, at = item.row, item.row["redeemed_at"]
        if self._merchants.get(row["store"]) != row["merchant"]:
            yield self._fault("names another merchant's store", "门店不属于该商户")
        if not any(_covers(part, at) for part in self._takes_part[row["store"]]):
            yield self._fault("is at a store that took no part", "门店当时未参加活动")
        day = datetime.fromisoformat(at).astimezone(self._zone).date().isoformat()
        if row["business_day"] != day:
            yield self._fault("is on another business day", "账务日不符")
        if row["shown_by"] != row["resident"]:
            declared = self._proxies[row["resident"], row["shown_by"]]
            if not any(_covers(proxy, at, "declared_at", "ended_at") for proxy in declared):
                yield self._fault(
                    "was shown by a person who is neither holder nor proxy",
                    "出示人并非本人或已声明的代用人",
                )

    def _judge_order(self, row: Row) -> Iterator[Fault]:
        if row["category"] in self._campaign["excluded_categories"]:
            yield self._fault("is in an excluded category", "属于除外品类")
        kinds = self._campaign["order_kinds"]
        if kinds and row["order_kind"] not in kinds:
            yield self._fault("is an order of an excluded kind", "属于除外的订单类型")
        if row["state"] in (R_CAPTURED, R_REFUNDED):
            for number in self._campaign["order_numbers"]:
                if not row[number]:
                    yield self._fault(f"lacks its {number}", f"缺少 {number}")

    def _judge_refunds(self, item: Followed) -> Iterator[Fault]:
        row = item.row
        paid_fen = row["order_amount_fen"] - row["discount_fen"]
        if item.refunds and row["state"] not in (R_CAPTURED, R_REFUNDED):
            yield self._fault("has refunds, but was undone", "已撤销却有退款")
        if sum(refund["amount_fen"] for refund in item.refunds) > paid_fen:
            yield self._fault("is refunded beyond what was paid", "退款超过实付金额")
        for refund in item.refunds:
            parts = sum(p["amount_fen"] for p in item.parts if p["refund"] == refund["id"])
            if parts != refund["clawback_fen"]:
                yield self._fault("a refund misses its shares", "退回补贴与各方份额不符")
            is_held = any(hold["id"] == refund["hold"] for hold in item.holds)
            if (refund["amount_fen"] == 0) != is_held:
                yield self._fault(
                    "is called back without a refund or a hold", "无退款亦无冻结而退回补贴"
                )
        if any(item.clawed(source) > item.split.get(source, 0) for source in _sources(item)):
            yield self._fault("a source gets back more than it paid", "某出资方退回超过其出资")
        is_all_back = item.clawback_fen == row["discount_fen"]
        if row["state"] == R_REFUNDED and not is_all_back:
            yield self._fault("says all was called back", "状态为全部退回，金额不符")
        if row["state"] == R_CAPTURED and is_all_back:
            yield self._fault("all was called back, but it stands", "补贴已全部退回，状态仍为有效")
        is_held = any(hold["released_at"] is None for hold in item.holds)
        if is_held and (row["state"] not in (R_CAPTURED, R_REFUNDED) or item.lines):
            yield self._fault("is held, but settled or undone", "冻结中却已结算或撤销")

    def _judge_lines(self, item: Followed) -> Iterator[Fault]:
        taken: dict[tuple[int, int], int] = defaultdict(int)
        for line in item.lines:
            owner = self._settlements.get(line["settlement"])
            wanted = {"merchant": item.row["merchant"], "source": line["source"]}
            if owner is None or wanted != {name: owner[name] for name in wanted}:
                yield self._fault("is settled with another merchant", "结算对象不符")
            if line["kind"] == "refund":
                taken[line["refund"], line["source"]] -= line["amount_fen"]
                continue
            before = sum(
                item.clawed(line["source"], target=target) for target in ("free", "outstanding")
            )
            if line["amount_fen"] != item.split.get(line["source"], 0) - before:
                yield self._fault("is settled at another amount", "结算金额不符")
            if item.row["state"] not in (R_CAPTURED, R_REFUNDED):
                yield self._fault("is settled, but was undone", "已撤销却进入结算")
        payers = [line["source"] for line in item.lines if line["kind"] == "redemption"]
        if len(payers) != len(set(payers)):
            yield self._fault("is settled twice", "重复结算")
        for line in item.collected:
            taken[line["refund"], line["source"]] += line["amount_fen"]
        yield from self._judge_recovered(item, taken)

    def _judge_recovered(
        self, item: Followed, taken: dict[tuple[int, int], int]
    ) -> Iterator[Fault]:
        for (refund, source), fen in taken.items():
            if fen > item.clawed(source, refund=refund, target="recoverable"):
                yield self._fault("more is recovered than is owed", "追回金额超过应追回金额")

    def _add(self, item: Followed, tranche: int) -> None:
        row, tally = item.row, self._tally
        tally.begun["count"] += 1
        tally.begun["ids"] += row["id"]
        if row["state"] in LIVE:
            tally.counted.add_redemption(row, row["discount_fen"] - item.clawback_fen, self._kinds)
            if not self._stock.is_over(tranche):
                for source, fen in self._stock.split(tranche):
                    rest = fen - item.split.get(source, 0)
                    tally.rests[source, row["allocation"]] += rest
        for source, share in item.split.items():
            self._add_share(item, source, share)
        for line in item.lines:
            tally.line_fen[line["settlement"]] += line["amount_fen"]
            tally.line_count[line["settlement"]] += 1

    def _add_share(self, item: Followed, source: int, share: int) -> None:
        """One source's share, wherever it is now."""
        tally, slot = self._tally, (source, item.row["allocation"])
        if item.row["state"] == R_AUTHORISED:
            tally.authorised[slot] += share
        if item.row["state"] not in (R_CAPTURED, R_REFUNDED):
            return
        lines = [line for line in item.lines if line["source"] == source]
        own = [line for line in lines if line["kind"] == "redemption"]
        paid = sum(line["amount_fen"] for line in own if self._is_paid(line))
        is_paid = any(self._is_paid(line) for line in own)
        # What a refund moved from payable to recoverable while the settlement waited for its cash
        # is not paid by it.
        waited = item.clawed(source, origin="payable", target="recoverable")
        after = item.clawed(source, origin="settled")
        if is_paid:
            tally.settled[slot] += paid - waited - after
        else:
            tally.owed[slot] += share - item.clawed(source)
            if any(hold["released_at"] is None for hold in item.holds):
                tally.held[slot] += share - item.clawed(source)
        netted = 0
        for line in lines:
            if line["kind"] == "redemption":
                tally.to_settle[line["settlement"]] += line["amount_fen"] - waited
            else:
                tally.to_net[line["settlement"]] -= line["amount_fen"]
                netted -= line["amount_fen"] if self._is_paid(line) else 0
        collected = sum(c["amount_fen"] for c in item.collected if c["source"] == source)
        tally.recoverable[slot] += item.clawed(source, target="recoverable") - netted - collected

    def _is_paid(self, line: Row) -> bool:
        settlement = self._settlements.get(line["settlement"])
        return settlement is not None and settlement["state"] == "paid"

    def _fault(self, en: str, zh: str) -> Fault:
        return self._archive.fault(en, zh)


def _shared_out(fen: int, authorised_fen: int | None, face: list[list[int]]) -> list[list[int]]:
    """By largest remainder, earlier sources first among equals: like the face, or like what was
    authorised of it."""
    if authorised_fen is not None and authorised_fen != fen:
        face = _shared_out(authorised_fen, None, face)
    whole = sum(share for _, share in face)
    parts = [divmod(fen * share, whole) for _, share in face]
    odd = fen - sum(part for part, _ in parts)
    served = sorted(range(len(parts)), key=lambda place: -parts[place][1])[:odd]
    return [
        [source, part + (place in served)]
        for place, ((source, _), (part, _)) in enumerate(zip(face, parts, strict=True))
    ]


def _sources(item: Followed) -> set[int]:
    return {part["source"] for part in item.parts}


def _covers(row: Row, at: str, begin: str = "valid_from_at", end: str = "valid_until_at") -> bool:
    """Whether a period holds an instant; both are UTC in one spelling, but for fractions."""
    moment = datetime.fromisoformat(at)
    until = row[end]
    return datetime.fromisoformat(row[begin]) <= moment and (
        until is None or moment < datetime.fromisoformat(until)
    )


def _zone(name: str) -> ZoneInfo | timezone:
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        return CHINA
