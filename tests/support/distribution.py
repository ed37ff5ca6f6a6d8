"""Runs by hand instead of by workers, residents to distribute to, and what they got."""

from collections import Counter
from datetime import datetime

from django.db.models import Sum

from tests.support import cast
from vouchers.models import Campaign, Leg, Resident, Run, Tranche, Voucher
from vouchers.services.audience import targeting
from vouchers.services.issuing import leases, minting, runs


def request(campaign: Campaign, *, at: datetime = cast.NOON, **options: object) -> Run:
    asked = {"seed": "spring", "by": cast.mei(), "at": at, **options}
    return runs.request_run(campaign=campaign, **asked)  # type: ignore[arg-type]


def reserve(
    campaign: Campaign, *, shard_size: int = 100_000, at: datetime = cast.NOON, **options: object
) -> Run:
    """A run requested, targeted and reserved."""
    request(campaign, at=at, **options)
    lease = leases.lease_run(at=at, lease_s=60)
    assert lease is not None
    targeting.target_run(run_id=lease.run_id, fence=lease.fence, at=at)
    lease = leases.lease_run(at=at, lease_s=60)
    assert lease is not None
    return runs.reserve_run(run_id=lease.run_id, fence=lease.fence, at=at, shard_size=shard_size)


def mint_all(*, at: datetime = cast.NOON) -> list[Tranche]:
    tranches = []
    while lease := leases.lease_shard(at=at, lease_s=60):
        tranches.append(minting.mint_shard(shard_id=lease.shard_id, fence=lease.fence, at=at))
    return tranches


def distribute(campaign: Campaign, *, at: datetime = cast.NOON, **options: object) -> Run:
    run = reserve(campaign, at=at, **options)  # type: ignore[arg-type]
    mint_all(at=at)
    run.refresh_from_db()
    return run


def crowd(size: int, *, km: float = 1) -> list[Resident]:
    """Residents of one district, each a metre farther out than the one before."""
    return [
        cast.resident(f"p{km}-{i:03}", home=cast.north_of(cast.PEOPLES_SQUARE, km=km + i / 1000))
        for i in range(size)
    ]


def balances_fen(campaign: Campaign, source: str = "city") -> dict[str, int]:
    rows = Leg.objects.filter(account__campaign=campaign, account__source__code=source)
    sums = rows.values_list("account__kind").annotate(total=Sum("amount_fen"))
    return {kind: total for kind, total in sums if total}


def holders(tier: str) -> Counter[str]:
    tranches = Tranche.objects.filter(tier__code=tier).values_list("id", flat=True)
    found: Counter[str] = Counter()
    for tranche_id in tranches:
        rows = Voucher.objects.filter(id__gte=tranche_id << 20, id__lt=(tranche_id + 1) << 20)
        found.update(rows.values_list("resident__external_id", flat=True))
    return found
