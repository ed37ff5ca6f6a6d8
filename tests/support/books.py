"""A healthy book made by the services, and the means to spoil it as only the owner can."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from django.db import connection, connections

from tests.support import cast
from tests.support.cast import DAY, NOON, PEOPLES_SQUARE, north_of
from tests.support.till import answer_to, order, till_of, voided
from vouchers.models import Campaign, Proxy, Redemption, Resident, Voucher
from vouchers.services.audience.targeting import target_run
from vouchers.services.issuing.leases import lease_run, lease_shard
from vouchers.services.issuing.minting import mint_shard
from vouchers.services.issuing.runs import request_run, reserve_run
from vouchers.services.ledger import funding
from vouchers.services.settlement.days import settle_and_pay_day
from vouchers.states import LimitKind

LEASE_S = 60
TODAY = date(2026, 4, 1)
HOUR = timedelta(hours=1)
TABLE_NAME = re.compile(r"\b(?:merchants|vouchers)_\w+")


def healthy_book() -> Campaign:
    """Six residents targeted and served; used, voided, settled, paid, shown by a proxy; one shard
    still waits for its worker."""
    campaign = cast.running_campaign(
        funding=cast.CO_FUNDED,
        stores=(cast.nanjing_road(), cast.rival_shop()),
        tier_counts={"off20": 100},
        limits={LimitKind.RESIDENT_DAY: 3, LimitKind.STORE_MINUTE: 60, LimitKind.RESIDENT_WEEK: 5},
    )
    residents = [
        cast.resident(f"neighbour-{n}", home=north_of(PEOPLES_SQUARE, km=n)) for n in range(5)
    ]
    distribute(campaign)
    use(residents)
    for source in campaign.sources.all():
        funding.receive_cash(
            source=source,
            amount_fen=4_000 if source.code == "city" else 100,
            document_no="R-1",
            request_id=f"cash-{source.code}",
            by=cast.mei(),
            at=NOON,
        )
    settle_and_pay_day(campaign=campaign, business_day=TODAY, at=NOON + DAY)
    return campaign


def distribute(campaign: Campaign) -> None:
    """Target, reserve, and mint the shards of all tiers but one."""
    request_run(campaign=campaign, seed="7", by=cast.mei(), at=NOON)
    lease = lease_run(at=NOON, lease_s=LEASE_S)
    assert lease is not None
    target_run(run_id=lease.run_id, fence=lease.fence, at=NOON)
    lease = lease_run(at=NOON, lease_s=LEASE_S)
    assert lease is not None
    reserve_run(run_id=lease.run_id, fence=lease.fence, at=NOON)
    for _ in range(campaign.tiers.count() - 1):
        shard = lease_shard(at=NOON, lease_s=LEASE_S)
        assert shard is not None
        mint_shard(shard_id=shard.shard_id, fence=shard.fence, at=NOON)


def use(residents: list[Resident]) -> None:
    """The first uses two vouchers, a volunteer shows the second's, the third takes it back."""
    volunteer = cast.resident("volunteer", home=None)
    Proxy.objects.create(holder=residents[1], proxy=volunteer, declared_at=NOON - DAY)
    here, there = cast.nanjing_road(), cast.rival_shop()
    first, second, third = residents[:3]
    for store, holder, shown_by, tier in (
        (here, first, first, 0),
        (there, first, first, 1),
        (here, second, volunteer, 0),
        (here, third, third, 0),
    ):
        voucher = Voucher.objects.filter(resident=holder).order_by("id")[tier]
        status, body = answer_to(order(voucher, store, shown_by, at=NOON + HOUR))
        assert status == 201, body
    last = Redemption.objects.latest("id")
    assert voided(last, caller=till_of(here), at=NOON + 2 * HOUR).status == 200


@contextmanager
def as_owner() -> Iterator[None]:
    """Whatever asks for the default connection gets the schema owner's."""
    services = connections["default"]
    connections["default"] = connections["owner"]
    try:
        yield
    finally:
        connections["default"] = services


def spoil(*statements: str) -> None:
    """Run statements with every trigger of the tables they name switched off.

    Of no others: whatever has been prepared on a table is planned anew when it is altered.
    """
    named = sorted({name for statement in statements for name in TABLE_NAME.findall(statement)})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relname = ANY(%s)",
            [named],
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in statements:
            cursor.execute(statement)
            assert cursor.rowcount != 0, f"nothing was spoilt by: {statement}"
