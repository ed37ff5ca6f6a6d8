"""Small-shop co-funding: shops that cannot issue vouchers themselves get a share of the audience,
and city, association and platform each pay their part of every voucher."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from merchants.models import Store
from tests.support import cast
from tests.support.cast import DAY
from tests.support.till import answer_to, order
from vouchers.models import Campaign, Resident, Run, Settlement, Voucher
from vouchers.queries.ledger.balances import balances
from vouchers.rules.issuing.priority import SMALL_SHOP
from vouchers.rules.limits.limits import business_day
from vouchers.services.campaigns import drafts, terms
from vouchers.services.ledger import funding
from vouchers.services.proofs.audit import audit
from vouchers.services.settlement.days import settle_and_pay_day
from vouchers.states import AccountKind, SettlementState

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

FACE_FEN, VOUCHERS, SHOP_SHARE_BP = 2_000, 10, 4_000
PERCENT = {"association": 30, "city": 50, "platform": 20}
AREA = cast.north_of(cast.PEOPLES_SQUARE, km=20)
"""Where the small shops are, far from the mall."""


@pytest.fixture
def shops() -> list[Store]:
    """Three, each of a merchant of its own, two kilometres apart."""
    return [
        cast.store(
            f"corner{number}",
            of=cast.merchant(f"shop{number}"),
            at=cast.north_of(AREA, km=2 * number),
            category="grocery",
        )
        for number in range(3)
    ]


@pytest.fixture
def people(shops: list[Store]) -> list[Resident]:
    """A dozen at the mall's door, and two a hundred metres farther from each shop."""
    at_mall = [
        cast.resident(f"mall{n:02}", home=cast.north_of(cast.PEOPLES_SQUARE, km=(n + 1) / 1000))
        for n in range(12)
    ]
    at_shops = [
        cast.resident(f"shop{n}", home=cast.north_of(AREA, km=2 * (n % 3) + 0.1 + n / 1000))
        for n in range(6)
    ]
    return at_mall + at_shops


@pytest.fixture
def campaign(shops: list[Store]) -> Campaign:
    now = timezone.now()
    draft = cast.spring_campaign(
        code="corner-shops",
        funding=PERCENT,
        budget_fen=VOUCHERS * FACE_FEN,
        tiers={"off20": (FACE_FEN, 10_000)},
        starts_at=now - DAY,
        ends_at=now + 30 * DAY,
        stores=(cast.nanjing_road(),),
    )
    by = cast.mei()
    terms.add_stores(campaign=draft, stores=shops, category=SMALL_SHOP, by=by, at=now - DAY)
    drafts.edit_campaign(
        campaign=draft,
        seen_edit=drafts.newest_edit(draft),
        options={"small_shop_share_bp": SHOP_SHARE_BP},
        parts={},
        by=by,
        at=now,
    )
    draft.refresh_from_db()
    return cast.launched(draft, at=now)


def test_small_shops_get_their_share_and_each_source_pays_its_own(
    campaign: Campaign,
    shops: list[Store],
    people: list[Resident],
    distributed: Callable[[Campaign], Run],
) -> None:
    run = distributed(campaign)
    assert (run.audience["targeted"], run.selection["vouchers"]) == (18, VOUCHERS)
    vouchers = Voucher.objects.select_related("resident").order_by("resident__external_id")
    held = {voucher.resident.external_id: voucher for voucher in vouchers}
    # By distance alone all would go to the mall's door; four of ten are the shops'.
    assert list(held) == [*(f"mall{n:02}" for n in range(6)), *(f"shop{n}" for n in range(4))]

    now = timezone.now()
    for number in range(4):
        voucher, shop = held[f"shop{number}"], shops[number % 3]
        status, body = answer_to(order(voucher, shop, voucher.resident, at=now))
        assert status == 201, body
        assert {share["source"]: share["fen"] for share in body["by_source"]} == {
            source: FACE_FEN * percent // 100 for source, percent in PERCENT.items()
        }

    # City and association have sent what they owe, the platform only half of it.
    for source, percent in PERCENT.items():
        owed_fen = 4 * FACE_FEN * percent // 100
        funding.receive_cash(
            source=campaign.sources.get(code=source),
            amount_fen=owed_fen // 2 if source == "platform" else owed_fen,
            document_no="R-1",
            request_id=f"cash-{source}",
            by=cast.mei(),
            at=now,
        )
    day = business_day(now, campaign.zone)
    settle_and_pay_day(campaign=campaign, business_day=day, at=now + timedelta(days=1))
    rows = Settlement.objects.values_list("merchant__code", "source__code", "total_fen", "state")
    owed = {(merchant, source): fen for merchant, source, fen, _state in rows}
    assert owed == {
        (f"shop{number}", source): used * FACE_FEN * percent // 100
        for number, used in enumerate((2, 1, 1))
        for source, percent in PERCENT.items()
    }
    waiting = [source for _, source, _, state in rows if state != SettlementState.PAID]
    assert set(waiting) == {"platform"}
    paid_fen = sum(fen for _, source, fen, state in rows if (source, state) == ("platform", "paid"))
    assert paid_fen <= 4 * FACE_FEN * PERCENT["platform"] // 100 // 2

    for source, percent in PERCENT.items():
        found = balances(campaign.pk)[source]
        assert found[AccountKind.OUTSTANDING] == 6 * FACE_FEN * percent // 100
        assert found[AccountKind.FREE] == 0
    report = audit(at=now + timedelta(days=1), seed=1)
    assert report.is_proven, report
