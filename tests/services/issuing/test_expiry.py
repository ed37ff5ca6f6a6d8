"""What is not spent by the end of its validity goes back, exactly once."""

from datetime import timedelta

import pytest
from django.db.models import Sum

from tests.support import cast
from vouchers.models import Campaign, Leg, QuotaBucket, Tranche, Transfer, Voucher
from vouchers.services.audience import targeting
from vouchers.services.issuing import expiry, leases, minting, runs
from vouchers.states import AccountKind, TrancheState, TransferReason, VoucherState

pytestmark = pytest.mark.django_db

BUDGET_FEN = 1_000_000


def with_vouchers(holders: int) -> tuple[Campaign, Tranche]:
    """A campaign with one tier whose vouchers so many residents hold, in one tranche."""
    campaign = cast.running_campaign(
        tiers={"off20": (2_000, 10_000)},
        tier_counts={"off20": 10},
        funding=cast.CO_FUNDED,
        budget_fen=BUDGET_FEN,
    )
    for number in range(holders):
        cast.resident(f"holder{number}")
    runs.request_run(campaign=campaign, seed="s", by=cast.mei(), at=cast.NOON)
    for phase in (targeting.target_run, runs.reserve_run):
        run = leases.lease_run(at=cast.NOON, lease_s=60)
        assert run is not None
        phase(run_id=run.run_id, fence=run.fence, at=cast.NOON)
    shard = leases.lease_shard(at=cast.NOON, lease_s=60)
    assert shard is not None
    tranche = minting.mint_shard(shard_id=shard.shard_id, fence=shard.fence, at=cast.NOON)
    return campaign, tranche


def move(tranche: Tranche, serial: int, *states: VoucherState) -> None:
    for state in states:
        Voucher.objects.filter(id=(tranche.pk << 20) + serial).update(state=state)


def balance_fen(campaign: Campaign, kind: AccountKind) -> int:
    legs = Leg.objects.filter(account__campaign=campaign, account__kind=kind)
    return legs.aggregate(total=Sum("amount_fen"))["total"] or 0


def headrooms(campaign: Campaign) -> tuple[int | None, int | None]:
    """Vouchers left of the tier, fen left of the city."""
    tier = QuotaBucket.objects.get(cell__campaign=campaign, cell__tier__isnull=False)
    city = QuotaBucket.objects.get(cell__campaign=campaign, cell__source__code="city")
    return tier.headroom_count, city.headroom_fen


def test_unspent_vouchers_return_their_money_and_their_place_in_the_quota() -> None:
    campaign, tranche = with_vouchers(4)
    move(tranche, 0, VoucherState.REDEEMED)
    move(tranche, 1, VoucherState.AUTHORISED)

    expired = expiry.expire_tranche(tranche_id=tranche.pk, at=tranche.valid_until_at)

    assert expired == 2
    assert balance_fen(campaign, AccountKind.OUTSTANDING) == 2 * 2_000
    assert balance_fen(campaign, AccountKind.FREE) == BUDGET_FEN - 2 * 2_000
    assert headrooms(campaign) == (8, BUDGET_FEN * 60 // 100 - 2 * 1_200)
    tranche.refresh_from_db()
    assert tranche.state == TrancheState.EXPIRED
    assert tranche.expired_at == tranche.valid_until_at


def test_the_row_of_an_expired_voucher_is_left_as_it_is() -> None:
    _, tranche = with_vouchers(1)

    expiry.expire_tranche(tranche_id=tranche.pk, at=tranche.valid_until_at)

    assert Voucher.objects.get().state == VoucherState.ISSUED


def test_a_tranche_expires_once() -> None:
    campaign, tranche = with_vouchers(3)
    late = tranche.valid_until_at + cast.DAY

    assert expiry.expire_due(at=late) == 3
    assert expiry.expire_due(at=late) == 0
    assert expiry.expire_tranche(tranche_id=tranche.pk, at=late) is None

    transfer = Transfer.objects.get(reason=TransferReason.EXPIRE)
    assert (transfer.cause, transfer.cause_id) == ("tranche", tranche.pk)
    assert headrooms(campaign)[0] == 10


def test_nothing_expires_before_it_is_due() -> None:
    campaign, tranche = with_vouchers(1)
    early = tranche.valid_until_at - timedelta(microseconds=1)

    assert expiry.expire_due(at=early) == 0

    assert balance_fen(campaign, AccountKind.OUTSTANDING) == 2_000
    tranche.refresh_from_db()
    assert tranche.state == TrancheState.OUTSTANDING


def test_a_tranche_spent_to_the_last_voucher_expires_without_a_transfer() -> None:
    _, tranche = with_vouchers(1)
    move(tranche, 0, VoucherState.REDEEMED)

    assert expiry.expire_tranche(tranche_id=tranche.pk, at=tranche.valid_until_at) == 0

    assert not Transfer.objects.filter(reason=TransferReason.EXPIRE).exists()
