"""A campaign in which everything has happened that can happen to money, by the services alone."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from merchants.models import Store
from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.refunds import bought, refund_of, send_cash, settled
from tests.support.till import (
    answer_to,
    authorised,
    captured,
    decoded,
    issue_vouchers,
    order,
    reversed_,
    till_of,
)
from vouchers.models import Campaign, Redemption, Resident, Settlement, Voucher
from vouchers.queries.ledger.balances import balances
from vouchers.services.acts import Answer
from vouchers.services.campaigns import amendments, proposals, terms
from vouchers.services.issuing.expiry import expire_due
from vouchers.services.redemption import holds, lapse_due
from vouchers.services.settlement.collection import collect
from vouchers.services.settlement.days import pay
from vouchers.states import AccountKind, LimitKind, TierKind

TODAY = date(2026, 4, 1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
EVENING = NOON + 8 * HOUR
SHARES = {"bureau": 60, "mall": 40}


def campaign_with_history() -> Campaign:
    """Refunds give vouchers back; 满200减50 and ten per cent off, paid by a bureau and a mall.

    At the end there are redemptions in every state, an open hold and one released, refunds out of
    every account, a settlement that waits, one that is paid, netted and collected debts, expired
    vouchers, a top-up, a cut, a moved cap, a repayment and a longer end.
    """
    campaign = _launched()
    _on_the_first_day(campaign)
    _budget(campaign)
    _after_the_settlement(campaign)
    return campaign


def _launched() -> Campaign:
    draft = cast.spring_campaign(
        code="autumn-2026",
        funding=SHARES,
        stores=(cast.xujiahui(), cast.rival_shop()),
        tiers={"off50": (5_000, 20_000)},
        tier_counts={"off50": 50},
        limits={
            LimitKind.RESIDENT_DAY: 9,
            LimitKind.STORE_DAY: 90,
            LimitKind.MERCHANT_CAMPAIGN: 900,
        },
    )
    terms.add_tier(
        campaign=draft,
        code="ten",
        name="九折",
        kind=TierKind.PERCENT,
        face_fen=5_001,
        percent_bp=1_000,
        threshold_fen=10_000,
        split={"bureau": 3_001, "mall": 2_000},
        by=cast.mei(),
        at=NOON - 2 * DAY,
    )
    return cast.launched(draft)


def _on_the_first_day(campaign: Campaign) -> None:
    """What till and risk officer do before the day is settled."""
    here, rosa = cast.xujiahui(), cast.member("rosa", "risk officer")
    _authorise(campaign, here)
    reversed_order = bought(campaign, store=here, who="r-1")
    _ok(reversed_(here, reversed_order.order_no, caller=till_of(here), at=NOON + MINUTE))
    _ok(reversed_(here, "never-came", caller=till_of(here), at=NOON + MINUTE))
    part = bought(campaign, store=here, who="r-2")
    refund_of(part, 9_999, at=NOON + HOUR)
    refund_of(part, 1, at=NOON + HOUR)
    held = bought(campaign, store=here, who="r-3")
    holds.hold(redemption=held, reason="odd", by=rosa, at=NOON + HOUR)
    refund_of(held, 33_333, at=NOON + 2 * HOUR)
    looked_at = bought(campaign, store=here, who="r-4")
    opened = holds.hold(redemption=looked_at, reason="odd", by=rosa, at=NOON + HOUR)
    holds.release(hold=opened, by=rosa, at=NOON + 2 * HOUR)
    again = bought(campaign, store=here, who="r-5")
    refund_of(again, at=NOON + HOUR)
    _use_again(again, here, at=NOON + 2 * HOUR)
    short = bought(campaign, store=here, who="r-6", valid_until_at=NOON + HOUR)
    issue_vouchers(campaign, [cast.resident("r-7")], tier="off50", valid_until_at=NOON + HOUR)
    expire_due(at=NOON + 2 * HOUR)
    refund_of(short, at=NOON + 3 * HOUR)
    percent = bought(campaign, store=here, who="r-8", tier="ten", amount_fen=33_333)
    refund_of(percent, 10_000, at=NOON + HOUR)
    refund_of(percent, 20_000, at=NOON + HOUR)


def _authorise(campaign: Campaign, here: Store) -> None:
    """One captured for less, one lapsed, one that came to nothing, one voided, one that waits."""
    people = [cast.resident(f"a-{n}") for n in range(5)]
    vouchers = issue_vouchers(campaign, people, tier="ten")
    first, lapsed, empty, voided, waiting = zip(vouchers, people, strict=True)
    till = till_of(here)
    redemption = authorised(first[0], here, first[1], amount_fen=40_000)
    _ok(captured(redemption, caller=till, amount_fen=30_007, at=NOON + MINUTE))
    authorised(lapsed[0], here, lapsed[1])
    assert lapse_due(at=NOON + HOUR) == 1
    redemption = authorised(empty[0], here, empty[1], at=NOON + HOUR)
    _ok(captured(redemption, caller=till, amount_fen=9_000, at=NOON + HOUR + MINUTE))
    redemption = authorised(voided[0], here, voided[1], at=NOON + HOUR)
    _ok(reversed_(here, redemption.order_no, caller=till, at=NOON + HOUR + MINUTE))
    authorised(waiting[0], here, waiting[1], amount_fen=20_000, at=EVENING)


def _budget(campaign: Campaign) -> None:
    """Top up, cut, move a cap; a longer end."""
    cast.topped_up(campaign, source="mall", to_fen=200_001_000, at=EVENING)
    cast.topped_up(campaign, source="mall", to_fen=200_000_500, at=EVENING)
    cell = campaign.cells.get(cap_count=50)
    cast.approved(
        proposals.propose_quotas(
            campaign=campaign,
            changes=[
                {
                    "cell": cell.pk,
                    "expected": {"fen": None, "count": 50},
                    "target": {"fen": None, "count": 60},
                }
            ],
            why="more people came",
            request_id="more-50",
            by=cast.mei(),
            at=EVENING,
        ),
        at=EVENING,
    )
    version = amendments.propose_amendment(
        campaign=campaign,
        by=cast.mei(),
        at=EVENING,
        ends_at=campaign.ends_at + DAY,
        validity_s=20 * 24 * 3600,
        limits={
            LimitKind.RESIDENT_DAY: {"limit_count": 12},
            LimitKind.STORE_DAY: {"limit_count": None},
        },
        stores=[cast.nanjing_road()],
    )
    amendments.approve_amendment(
        terms=version, by=cast.li(), seen_sha256=bytes(version.sha256), at=EVENING
    )
    campaign.refresh_from_db()


def _after_the_settlement(campaign: Campaign) -> None:
    """Refunds while a settlement waits, after its payout, and what becomes of the debts."""
    here, there = cast.xujiahui(), cast.rival_shop()
    late = [bought(campaign, store=here, who=f"l-{n}", at=EVENING) for n in range(4)]
    rivals = bought(campaign, store=there, who="l-4", at=EVENING)
    first_day = settled(campaign, TODAY, NOON + DAY, is_paid=False)
    refund_of(late[0], 50_000, at=NOON + DAY + HOUR)
    send_cash(campaign)
    _pay(first_day, at=NOON + DAY + 2 * HOUR)
    refund_of(late[1], 70_000, at=NOON + DAY + 3 * HOUR)
    refund_of(late[2], at=NOON + DAY + 3 * HOUR)
    refund_of(rivals, at=NOON + DAY + 3 * HOUR)
    bought(campaign, store=here, who="l-5", at=NOON + DAY + 4 * HOUR)
    settled(campaign, TODAY + timedelta(days=1), NOON + 2 * DAY, is_paid=True)
    for source in campaign.sources.order_by("id"):
        collect(
            campaign=campaign,
            merchant=there.merchant,
            source=source,
            amount_fen=1_500,
            document_no="K-1",
            request_id=f"collect-{source.code}",
            by=cast.mei(),
            at=NOON + 2 * DAY,
        )
    _repay(campaign, NOON + 2 * DAY)
    bought(campaign, store=here, who="l-6", at=NOON + 2 * DAY)
    settled(campaign, TODAY + timedelta(days=2), NOON + 3 * DAY, is_paid=False)


def _repay(campaign: Campaign, at: datetime) -> None:
    source = campaign.sources.get(code="bureau")
    free_fen = balances(campaign.pk)[source.code][AccountKind.FREE]
    cast.approved(
        proposals.propose_repayment(
            source=source,
            expected_free_fen=free_fen,
            amount_fen=1_234,
            document_no="T-1",
            why="left over",
            request_id="repay-1",
            by=cast.mei(),
            at=at,
        ),
        at=at,
    )


def _use_again(redemption: Redemption, store: Store, *, at: datetime) -> None:
    """The voucher that a refund gave back, by the same holder."""
    voucher = Voucher.objects.get(pk=redemption.voucher_id)
    holder = Resident.objects.get(pk=redemption.resident_id)
    status, body = answer_to(order(voucher, store, holder, at=at))
    assert status == 201, body


def _pay(settlements: Sequence[Settlement], *, at: datetime) -> None:
    for settlement in settlements:
        assert pay(settlement=settlement, at=at)


def _ok(answer: Answer) -> None:
    status, body = decoded(answer)
    assert status == 200, body
