"""Sports vouchers: sixteen weekly drops, one voucher used a day, what is not used in its week comes
back and is issued again, and the budget is never exceeded although it is handed out three times.
"""

from datetime import datetime, timedelta

import pytest

from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.concurrency.invariants import assert_proven, totals_fen
from tests.support.till import answer_to, decoded, order, redeem
from vouchers.models import Campaign, Redemption, Resident, Run, Tranche, Voucher
from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.services.audience import targeting
from vouchers.services.campaigns import lifecycle, terms
from vouchers.services.issuing import drops, expiry, leases, minting, runs
from vouchers.states import AccountKind, LimitKind, RoundWay, RunState, VoucherState

pytestmark = pytest.mark.django_db

WEEKS = 16
FRIDAY_TEN = NOON + timedelta(days=2, hours=-2)
"""10:00 in Shanghai on Friday, 3 April 2026."""
SMALL_FEN, LARGE_FEN = 1_000, 3_000
A_WEEK_FEN = 2 * SMALL_FEN + LARGE_FEN
"""Two small vouchers and a large one: three a week."""
PLAYERS, WEEKS_FUNDED = 4, 6
BUDGET_FEN = WEEKS_FUNDED * PLAYERS * A_WEEK_FEN
"""Of what sixteen weeks hand out, since most vouchers come back unused."""


@pytest.fixture
def season() -> Campaign:
    """From 1 April to the end of July; a voucher lasts until the next drop."""
    draft = cast.spring_campaign(
        code="sports-2026",
        budget_fen=BUDGET_FEN,
        tiers={"large": (LARGE_FEN, 9_000)},
        limits={LimitKind.RESIDENT_DAY: 1, LimitKind.STORE_MINUTE: 60},
        starts_at=NOON - DAY,
        ends_at=NOON + 125 * DAY,
        validity_s=int(timedelta(days=7).total_seconds()),
    )
    by = cast.mei()
    terms.add_tier(
        campaign=draft,
        code="small",
        name="满30减10",
        face_fen=SMALL_FEN,
        threshold_fen=3_000,
        split={"city": SMALL_FEN},
        per_resident=2,
        by=by,
        at=NOON,
    )
    terms.add_weekly_rounds(
        campaign=draft,
        first_opens_at=FRIDAY_TEN,
        open_for=timedelta(hours=12),
        weeks=WEEKS,
        way=RoundWay.DROP,
        by=by,
        at=NOON,
    )
    return cast.launched(draft)


def sweep(at: datetime) -> None:
    """What beat and the workers do at that moment."""
    lifecycle.end_due(at=at)
    expiry.expire_due(at=at)
    drops.request_due(at=at)
    while run := leases.lease_run(at=at, lease_s=60):
        phase = runs.reserve_run if run.state is RunState.TARGETED else targeting.target_run
        phase(run_id=run.run_id, fence=run.fence, at=at)
    while shard := leases.lease_shard(at=at, lease_s=60):
        minting.mint_shard(shard_id=shard.shard_id, fence=shard.fence, at=at)


def wallet(person: Resident, number: int) -> list[Voucher]:
    """What a person got in a round, the smallest first."""
    tranches = Tranche.objects.filter(round__number=number).order_by("face_fen")
    return [
        voucher
        for tranche in tranches
        for voucher in Voucher.objects.filter(
            resident=person,
            id__gte=tranche.pk << SERIAL_BITS,
            id__lt=(tranche.pk + 1) << SERIAL_BITS,
        )
    ]


def test_four_months_of_weekly_drops(season: Campaign) -> None:
    players = [cast.resident(f"player{number}") for number in range(PLAYERS)]
    gym = cast.nanjing_road()
    for week in range(WEEKS):
        opening = FRIDAY_TEN + week * 7 * DAY
        sweep(opening - timedelta(seconds=1))
        assert Run.objects.count() == week
        sweep(opening)
        drop = Run.objects.latest("id")
        assert (drop.state, drop.selection["vouchers"]) == (RunState.DONE, 3 * PLAYERS)

        # One keen player uses a voucher a day, and no second one that day.
        small, other, large = wallet(players[0], week + 1)
        for day, voucher in enumerate((small, large)):
            at = opening + day * DAY + timedelta(hours=1)
            said = answer_to(order(voucher, gym, players[0], amount_fen=10_000, at=at))
            assert said[0] == 201, said
        again = order(other, gym, players[0], amount_fen=10_000, at=at + timedelta(hours=1))
        assert decoded(redeem(requests=[again])[0])[1]["code"] == "resident_limit"
        spent_fen = (week + 1) * (SMALL_FEN + LARGE_FEN)
        assert totals_fen(season)[AccountKind.PAYABLE] == spent_fen
        assert totals_fen(season)[AccountKind.FREE] >= 0

    sweep(season.ends_at)
    season.refresh_from_db()
    assert season.state == "ended"
    totals = totals_fen(season)
    assert totals[AccountKind.OUTSTANDING] == 0
    assert totals[AccountKind.FREE] == BUDGET_FEN - WEEKS * (SMALL_FEN + LARGE_FEN)
    issued_fen = WEEKS * PLAYERS * A_WEEK_FEN
    assert issued_fen > 2 * BUDGET_FEN, "what came back was issued again"
    assert Redemption.objects.count() == 2 * WEEKS
    used = sum(v.state == VoucherState.REDEEMED for v in Voucher.objects.all())
    assert used == 2 * WEEKS
    assert_proven()
