"""Redeem, void, expire and settle meeting on the same voucher: its money is in one place."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.concurrency.invariants import assert_proven, live_fen, totals_fen
from tests.support.concurrency.threads import at_once
from tests.support.till import decoded, issue_vouchers, order, redeem, till_of, voided
from vouchers.models import Campaign, Redemption, SettlementLine, Tranche
from vouchers.rules.limits.limits import business_day
from vouchers.services.issuing.expiry import expire_tranche
from vouchers.services.settlement.days import settle_day
from vouchers.states import AccountKind, RedemptionState, TrancheState

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 8
FACE_FEN = 2_000
BUDGET_FEN = 500_000_000
END = NOON + timedelta(hours=1)


@pytest.fixture
def campaign() -> Campaign:
    return cast.running_campaign(limits={}, funding=cast.CO_FUNDED)


def redeemed(campaign: Campaign) -> Redemption:
    """Alice's voucher, good until one o'clock, just used in Nanjing Road."""
    (voucher,) = issue_vouchers(campaign, [cast.alice()], valid_until_at=END)
    store = cast.nanjing_road()
    (answer,) = redeem(requests=[order(voucher, store, cast.alice())])
    return Redemption.objects.get(pk=decoded(answer)[1]["id"])


def void(redemption: Redemption) -> int:
    return voided(redemption, caller=till_of(cast.nanjing_road())).status


def redeem_again(redemption: Redemption) -> int:
    last_moment = END - timedelta(microseconds=1)
    request = order(redemption.voucher, cast.xujiahui(), cast.alice(), at=last_moment)
    return redeem(requests=[request])[0].status


def expire(redemption: Redemption) -> int:
    return expire_tranche(tranche_id=redemption.voucher.tranche_id, at=END) or 0


def settle(redemption: Redemption) -> int:
    day = business_day(NOON, redemption.campaign.zone)
    return len(settle_day(campaign=redemption.campaign, business_day=day, at=NOON))


def assert_every_fen_is_somewhere_once(campaign: Campaign, vouchers: int) -> None:
    """All the faces are in people's hands, owed to shops, or free again; the audit agrees."""
    fen = totals_fen(campaign)
    assert fen[AccountKind.PAYABLE] == live_fen(campaign)
    rest_fen = fen[AccountKind.FREE] + fen[AccountKind.OUTSTANDING]
    assert rest_fen + live_fen(campaign) == BUDGET_FEN
    assert 0 <= fen[AccountKind.OUTSTANDING] <= vouchers * FACE_FEN
    assert_proven()


def race(campaign: Campaign, *acts: Callable[[Redemption], int]) -> list[list[int]]:
    """Let the acts meet on a redeemed voucher, round after round."""
    return [
        at_once([partial(act, redemption) for act in acts])
        for redemption in [redeemed(campaign) for _ in range(ROUNDS)]
    ]


def test_many_voids_undo_once(campaign: Campaign) -> None:
    for statuses in race(campaign, *[void] * 6):
        assert sorted(statuses) == [200] + [409] * 5
    assert_every_fen_is_somewhere_once(campaign, ROUNDS)
    assert totals_fen(campaign)[AccountKind.OUTSTANDING] == ROUNDS * FACE_FEN


def test_void_against_redeem(campaign: Campaign) -> None:
    """A till may get the voucher only after the void gave it back, and only one till."""
    for voided_, *again in race(campaign, void, redeem_again, redeem_again, redeem_again):
        assert voided_ == 200
        assert set(again) <= {201, 409}
        assert again.count(201) <= 1
    assert_every_fen_is_somewhere_once(campaign, ROUNDS)


def test_void_against_expiry(campaign: Campaign) -> None:
    """Whichever is first, the money is free in the end, and once."""
    for voided_, _, _ in race(campaign, void, expire, expire):
        assert voided_ == 200
    assert {t.state for t in Tranche.objects.all()} == {TrancheState.EXPIRED}
    assert totals_fen(campaign)[AccountKind.FREE] == BUDGET_FEN
    assert_every_fen_is_somewhere_once(campaign, ROUNDS)


def test_void_redeem_and_expiry_together(campaign: Campaign) -> None:
    for statuses in race(campaign, void, redeem_again, expire, void, redeem_again, expire):
        assert statuses.count(200) == 1
        assert statuses[1:5:3].count(201) <= 1
    fen = totals_fen(campaign)
    assert fen[AccountKind.OUTSTANDING] == 0
    assert_every_fen_is_somewhere_once(campaign, ROUNDS)


def test_void_against_settlement(campaign: Campaign) -> None:
    """A redemption is undone or settled, never both."""
    redemptions = [redeemed(campaign) for _ in range(ROUNDS)]
    acts = [partial(void, redemption) for redemption in redemptions]
    at_once([*acts, partial(settle, redemptions[0]), partial(settle, redemptions[0])])
    undone = Redemption.objects.filter(state=RedemptionState.VOIDED)
    settled = SettlementLine.objects.values_list("redemption_id", flat=True)
    assert set(settled) | set(undone.values_list("pk", flat=True)) == {r.pk for r in redemptions}
    assert not undone.filter(pk__in=list(settled)).exists()
    assert_every_fen_is_somewhere_once(campaign, ROUNDS)


def test_a_voucher_voided_after_its_end_cannot_be_used_again(campaign: Campaign) -> None:
    """Its window is over though its tranche has not been swept yet."""
    redemption = redeemed(campaign)
    answer = voided(redemption, caller=till_of(cast.nanjing_road()), at=END)
    status, body = decoded(answer)
    assert (status, body["voucher_usable"]) == (200, False)
    expire_tranche(tranche_id=redemption.voucher.tranche_id, at=END + DAY)
    assert totals_fen(campaign)[AccountKind.FREE] == BUDGET_FEN
    assert_every_fen_is_somewhere_once(campaign, 1)
