"""Department-store radius push: a group's real stores, ¥500 million, everyone within 3 to 5 km.

The figures are those of the case; the residents are few, and each is measured again by hand.
"""

import csv
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from django.utils import timezone

from merchants.geo import Datum, distance_m
from merchants.models import Store, StoreLocation
from merchants.services import import_districts, import_stores
from tests.support import cast
from tests.support.cast import DAY
from tests.support.concurrency.invariants import totals_fen
from tests.support.till import answer_to, order, refusal_of
from vouchers.models import AudienceMember, Campaign, Resident, Run, Tranche, Voucher
from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.rules.limits.limits import business_day
from vouchers.services import residents
from vouchers.services.audience.preview import preview
from vouchers.services.campaigns import lifecycle
from vouchers.services.issuing.expiry import expire_due
from vouchers.services.proofs.audit import audit
from vouchers.services.settlement.days import settle_day
from vouchers.states import AccountKind

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

DATA = Path(__file__).parents[2].parent / "shared" / "data"
GROUP = "世纪华联"
BUDGET_FEN = 50_000_000_000
TIERS_FEN = {"off50": (5_000, 20_000), "off100": (10_000, 50_000)}
COUNTS = {"off50": 4_000_000, "off100": 3_000_000}
"""满200减50 and 满500减100: 200 and 300 million yuan."""
PEOPLE = 48


@pytest.fixture
def city(tmp_path: Path) -> datetime:
    """Districts, stores and residents from files, a day ago."""
    if not (DATA / "shanghai-stores.csv").exists():
        pytest.skip(f"real data is absent: {DATA}")
    at = timezone.now() - DAY
    bad: list[object] = []
    import_districts(
        path=DATA / "shanghai-districts.geojson", datum=Datum.GCJ_02, on_fault=bad.append
    )
    import_stores(path=DATA / "shanghai-stores.csv", datum=None, at=at, on_fault=bad.append)
    path = tmp_path / "residents.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["external_id", "home_longitude", "home_latitude", "consent_targeting"])
        random = Random(9)
        for number in range(PEOPLE):
            home = random.uniform(121.30, 121.65), random.uniform(31.05, 31.40)
            writer.writerow([f"p{number}", *home, "" if number % 8 == 0 else "v1"])
    residents.import_residents(path=path, datum=Datum.WGS_84, at=at, on_fault=bad.append)
    assert bad == []
    return at


@pytest.fixture
def campaign(city: datetime) -> Campaign:
    now = timezone.now()
    draft = cast.spring_campaign(
        code="radius-push",
        budget_fen=BUDGET_FEN,
        tiers=TIERS_FEN,
        tier_counts=COUNTS,
        starts_at=now - timedelta(hours=1),
        ends_at=now + 30 * DAY,
        stores=tuple(Store.objects.filter(brand=GROUP)),
    )
    return cast.launched(draft, at=now)


def measured() -> dict[str, str]:
    """By hand: the ring of everyone with consent who lives within 5 km of a store of the group."""
    places = StoreLocation.objects.filter(store__brand=GROUP)
    stores = list(places.values_list("longitude_deg", "latitude_deg"))
    found = {}
    consenting = Resident.objects.filter(consents__withdrawn_at=None, consents__purpose="targeting")
    for name, *home in consenting.values_list(
        "external_id", "points__longitude_deg", "points__latitude_deg"
    ):
        nearest_m = min(distance_m(*store, *home) for store in stores)
        if nearest_m <= 5_000:
            found[name] = "A" if nearest_m <= 3_000 else "B"
    return found


def voucher_of(person: Resident, tier: str) -> Voucher:
    tranche = Tranche.objects.get(tier__code=tier)
    return Voucher.objects.get(
        resident=person, id__gte=tranche.pk << SERIAL_BITS, id__lt=(tranche.pk + 1) << SERIAL_BITS
    )


def test_exactly_the_residents_within_reach_of_the_group(
    campaign: Campaign, distributed: Callable[[Campaign], Run]
) -> None:
    foreseen = preview(campaign=campaign, by=cast.mei(), at=timezone.now())
    assert foreseen.expectation.cost_fen <= BUDGET_FEN
    run, expected = distributed(campaign), measured()
    members = AudienceMember.objects.filter(run=run)
    assert dict(members.values_list("resident__external_id", "ring")) == expected
    assert Counter(expected.values()) == run.audience["rings"]
    assert {"A", "B"} <= run.audience["rings"].keys()
    assert run.audience["untargeted"]["no_consent"] == PEOPLE // 8

    face_fen = sum(face for face, _threshold in TIERS_FEN.values())
    assert run.selection["vouchers"] == len(TIERS_FEN) * len(expected)
    assert totals_fen(campaign)[AccountKind.OUTSTANDING] == face_fen * len(expected)

    # One of them uses a voucher in the store that reached them, not in one of another group.
    member = members.select_related("resident").order_by("resident__external_id").first()
    assert member is not None
    person, now = member.resident, timezone.now()
    store = StoreLocation.objects.get(pk=member.store_location_id).store
    other = Store.objects.exclude(brand=GROUP).first()
    assert other is not None
    voucher = voucher_of(person, "off50")
    elsewhere = order(voucher, other, person, at=now, amount_fen=20_000)
    assert refusal_of(elsewhere) == "store_not_participating"
    status, body = answer_to(order(voucher, store, person, at=now, amount_fen=20_000))
    assert (status, body["payable_fen"]) == (201, 15_000)

    # What is not used by the end comes back to the city.
    lifecycle.end_due(at=campaign.ends_at)
    expire_due(at=campaign.ends_at)
    (settlement,) = settle_day(
        campaign=campaign, business_day=business_day(now, campaign.zone), at=campaign.ends_at
    )
    assert (settlement.merchant.name, settlement.total_fen) == (GROUP, 5_000)
    totals = totals_fen(campaign)
    assert (totals[AccountKind.OUTSTANDING], totals[AccountKind.PAYABLE]) == (0, 5_000)
    assert totals[AccountKind.FREE] == BUDGET_FEN - 5_000
    report = audit(at=campaign.ends_at, seed=1)
    assert report.is_proven, report
