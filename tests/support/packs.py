"""Packs for the tests: of a campaign that has seen everything, and forged ones."""

import hashlib
import json
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.support import cast, draft_rows
from tests.support.books import distribute
from tests.support.cases import at_noon, opened, seen
from tests.support.cast import DAY, NOON, PEOPLES_SQUARE, north_of
from tests.support.refunds import PAID_FEN, bought, campaign_with, refund_of, send_cash, settled
from tests.support.risk import with_rules
from tests.support.till import (
    authorised,
    captured,
    issue_vouchers,
    order,
    refusal_of,
    reversed_,
    till_of,
    voided,
)
from vouchers.models import Campaign
from vouchers.queries.ledger.balances import balances
from vouchers.rules.campaigns.terms import canonical_json
from vouchers.rules.proofs import packs
from vouchers.rules.proofs.seals import NO_SEAL, Link, Stretch
from vouchers.services.campaigns import proposals
from vouchers.services.issuing.expiry import expire_due
from vouchers.services.limits.cases import assign, decide
from vouchers.services.proofs.pack import export_pack
from vouchers.services.proofs.seals import seal_whole
from vouchers.services.redemption.case_decisions import confirm
from vouchers.services.redemption.holds import hold, release
from vouchers.services.settlement.collection import collect
from vouchers.states import (
    AccountKind,
    CaseState,
    LimitKind,
    RefundPolicy,
    RiskVerdict,
)

TODAY, TOMORROW, THIRD_DAY = (date(2026, 4, day) for day in (1, 2, 3))
MIDNIGHT = NOON + DAY / 2

Rows = dict[str, list[dict[str, Any]]]


def eventful_campaign() -> Campaign:
    """Handed out, authorised, captured, lapsed or undone, refunded before, between and after
    settlement and payout, held, netted, collected, expired, topped up and repaid."""
    campaign = campaign_with(
        RefundPolicy.PRO_RATA,
        tier_counts={"off20": 100},
        limits={
            LimitKind.RESIDENT_DAY: 3,
            LimitKind.STORE_DAY: 60,
            LimitKind.MERCHANT_CAMPAIGN: 900,
        },
    )
    for number in range(3):
        cast.resident(f"neighbour-{number}", home=north_of(PEOPLES_SQUARE, km=number))
    distribute(campaign)
    _undone(campaign)
    _refunded(campaign)
    _decided(campaign)
    _noticed(campaign)
    soon = NOON + timedelta(hours=1)
    issue_vouchers(campaign, [cast.resident("too-late")], valid_until_at=soon)
    expire_due(at=soon)
    source = campaign.sources.order_by("id")[0]
    cast.approved(
        proposals.propose_repayment(
            source=source,
            expected_free_fen=balances(campaign.pk)[source.code][AccountKind.FREE],
            amount_fen=12_345,
            document_no="D-1",
            why="left over",
            request_id="repay",
            by=cast.mei(),
            at=NOON,
        )
    )
    return campaign


def returning_campaign() -> Campaign:
    """Percentages among the vouchers, and a policy that gives them back: before a settlement, after
    it, and after the voucher's own end."""
    draft = cast.spring_campaign(funding=cast.CO_FUNDED, budget_fen=1_000_000, limits={})
    Campaign.objects.filter(pk=draft.pk).update(refund_policy=RefundPolicy.RETURN.value)
    draft.refresh_from_db()
    draft_rows.add_percentage_tier(campaign=draft, by=cast.mei(), at=NOON, count=10)
    campaign = cast.launched(draft)
    small: dict[str, Any] = {"tier": "off15pc", "amount_fen": 10_001}
    soon = NOON + timedelta(hours=1)
    bought(campaign, who="keeps", **small)
    refund_of(bought(campaign, who="early", **small), 8_501)
    _authorised_for_more(campaign)
    refund_of(bought(campaign, who="partly", **small), 3_333)
    late, over = bought(campaign, who="late", **small), bought(campaign, who="over")
    ends = bought(campaign, who="ends", valid_until_at=soon, **small)
    expire_due(at=soon)
    refund_of(ends, 8_501, at=soon)
    send_cash(campaign)
    settled(campaign, TODAY, MIDNIGHT, is_paid=True)
    refund_of(late, 8_501, at=NOON + DAY)
    refund_of(over, PAID_FEN, at=NOON + DAY)
    _called_back(campaign, **small)
    return campaign


def _authorised_for_more(campaign: Campaign) -> None:
    """A percentage whose final order earns four of six fen, 3 to 1; the face would be 2 to 2."""
    person, place = cast.resident("less"), cast.nanjing_road()
    (voucher,) = issue_vouchers(campaign, [person], tier="off15pc")
    waits = authorised(voucher, place, person, amount_fen=40)
    assert captured(waits, caller=till_of(place), amount_fen=27).status == 200


def _called_back(campaign: Campaign, **order: Any) -> None:
    """Held by a rule, partly refunded, and confirmed as fraud."""
    rosa, at = cast.member("rosa", "risk officer"), NOON + 2 * DAY
    with_rules(campaign, at_noon())
    refund_of(bought(campaign, who="noticed", at=at, **order), 3_333, at=at)
    case = opened(campaign, at=at)
    assert confirm(case=case, reason="no goods", seen=seen(case), by=rosa, at=at) == 1


def _undone(campaign: Campaign) -> None:
    till = till_of(cast.nanjing_road())
    place, people = cast.nanjing_road(), [cast.resident(f"shopper-{n}") for n in range(4)]
    vouchers = issue_vouchers(campaign, people, tier="off20")
    waits, kept, gone, back = (
        authorised(voucher, place, person) for voucher, person in zip(vouchers, people, strict=True)
    )
    assert waits.authorised_fen
    assert captured(kept, caller=till, amount_fen=50_000).status == 200
    assert voided(gone, caller=till).status == 200
    assert reversed_(place, back.order_no, caller=till).status == 200
    for voucher, person in zip(vouchers[:2], people, strict=False):
        assert refusal_of(order(voucher, place, person))


def _refunded(campaign: Campaign) -> None:
    rosa = cast.member("rosa", "risk officer")
    early, between, late, whole, held, freed = (
        bought(campaign, who=f"buyer-{number}") for number in range(6)
    )
    refund_of(early, 19_000)
    hold(redemption=held, reason="three in a minute", by=rosa, at=NOON)
    opened = hold(redemption=freed, reason="odd", by=rosa, at=NOON)
    release(hold=opened, by=rosa, at=NOON)
    settlements = settled(campaign, TODAY, MIDNIGHT, is_paid=False)
    refund_of(between, 19_000, at=MIDNIGHT)
    send_cash(campaign)
    assert settlements
    settled(campaign, TODAY, MIDNIGHT, is_paid=True)
    refund_of(late, 19_000, at=NOON + DAY)
    refund_of(whole, PAID_FEN, at=NOON + DAY)
    bought(campaign, who="buyer-7", at=NOON + DAY)
    settled(campaign, TOMORROW, MIDNIGHT + DAY, is_paid=True)
    for source in campaign.sources.order_by("id"):
        collect(
            campaign=campaign,
            merchant=cast.huilian(),
            source=source,
            amount_fen=500,
            document_no="B-1",
            request_id=f"collect-{source.pk}",
            by=cast.mei(),
            at=NOON + 2 * DAY,
        )
    bought(campaign, who="buyer-8", at=NOON + 2 * DAY)
    settled(campaign, THIRD_DAY, MIDNIGHT + 2 * DAY, is_paid=False)


def _decided(campaign: Campaign) -> None:
    source = campaign.sources.order_by("id")[0]
    given: dict[str, Any] = {"source": source, "why": "minute 12", "by": cast.mei(), "at": NOON}
    cast.approved(
        proposals.propose_appropriation(
            expected_fen=source.appropriated_fen,
            target_fen=source.appropriated_fen + 70_000,
            request_id="top-up",
            **given,
        )
    )


def _noticed(campaign: Campaign) -> None:
    """Two cases about one store: the first was given to an officer and cleared, the second is
    open."""
    rosa, fourth_day = cast.member("rosa", "risk officer"), NOON + 3 * DAY
    with_rules(campaign, at_noon(RiskVerdict.PAY))
    bought(campaign, who="buyer-9", at=fourth_day)
    case = opened(campaign, at=fourth_day)
    given: dict[str, Any] = {"case": case, "reason": "a stocktaking", "by": rosa, "at": fourth_day}
    assign(assignee=rosa, seen_acts=0, **given)
    decide(decision=CaseState.CLEARED, seen=seen(case), **given)
    bought(campaign, who="buyer-10", at=fourth_day)
    opened(campaign, at=fourth_day)


def pack_of(campaign: Campaign, path: Path) -> Path:
    """Sealed and exported."""
    seal_whole(campaign=campaign, at=NOON)
    export_pack(campaign=campaign, path=path, at=NOON)
    return path


def read_rows(path: Path) -> Rows:
    """Every row of every file."""
    with zipfile.ZipFile(path) as archive:
        return {
            name.removesuffix(".jsonl"): [
                json.loads(line)["row"] for line in archive.read(name).splitlines()
            ]
            for name in archive.namelist()
            if name.endswith(".jsonl")
        }


def forge(path: Path, target: Path, change: Callable[[Rows], None], *, reseal: bool) -> Path:
    """A pack with other rows and everything worked out anew that needs no key: row chains,
    manifest, the archive's hash; and with `reseal` the seals."""
    rows = read_rows(path)
    change(rows)
    if reseal:
        _reseal(rows)
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read(packs.MANIFEST))
        texts = {packs.VERIFIER: archive.read(packs.VERIFIER)}
    manifest["files"] = []
    if rows["seals"]:
        manifest["chain_head"] = rows["seals"][-1]["sha256"]
    for name, items in rows.items():
        chain = packs.RowChain(f"{name}.jsonl")
        texts[f"{name}.jsonl"] = chain.lines(map(canonical_json, items))
        listed = {"name": f"{name}.jsonl", "rows": chain.rows}
        manifest["files"].append({**listed, "sha256": chain.sha256, "head": chain.head})
    write_archive(target, texts, canonical_json(manifest))
    return target


def write_archive(target: Path, texts: dict[str, bytes], manifest: bytes) -> None:
    """Files as an archive whose comment is its own hash."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
        archive.writestr(zipfile.ZipInfo(packs.MANIFEST), manifest)
        archive.comment = b"0" * packs.DIGITS
    whole = target.read_bytes()[: -packs.DIGITS]
    target.write_bytes(whole + hashlib.sha256(whole).hexdigest().encode())


def _reseal(rows: Rows) -> None:
    previous, (campaign,) = NO_SEAL, rows["campaign"]
    for seal in rows["seals"]:
        inside = [e for e in rows["journal"] if seal["from_xid"] <= e["xid"] < seal["until_xid"]]
        link = Link(previous)
        link.add(map(canonical_json, inside))
        seal["transfer_count"] = len(inside)
        seal["previous_sha256"] = previous.hex()
        previous = link.close(
            Stretch(
                campaign["code"],
                seal["cell"],
                seal["number"],
                seal["from_xid"],
                seal["until_xid"],
                len(inside),
            )
        )
        seal["sha256"] = previous.hex()
