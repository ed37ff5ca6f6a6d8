"""Campaigns that choose by lot, need, districts or guaranteed shares, and keep a control group."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from merchants.models import District
from tests.support import cast
from tests.support.concurrency.invariants import assert_proven
from tests.support.distribution import crowd, distribute, holders
from vouchers.models import Campaign, CampaignStore, Resident, Run
from vouchers.queries.campaigns.terms import terms_of
from vouchers.queries.proofs.report import report_of
from vouchers.rules.campaigns.soundness import faults
from vouchers.rules.issuing.priority import SMALL_SHOP, held_out

pytestmark = pytest.mark.django_db

FACE_FEN = 2_000


def choosing(vouchers: int, **options: Any) -> Campaign:
    """A campaign of one tier with fewer vouchers than residents; options as in its terms."""
    draft = cast.spring_campaign(
        tiers={"off20": (FACE_FEN, 10_000)}, budget_fen=vouchers * FACE_FEN
    )
    Campaign.objects.filter(pk=draft.pk).update(**options)
    draft.refresh_from_db()
    return cast.launched(draft)


def chosen(campaign: Campaign, seed: str = "s") -> set[str]:
    """Who got a voucher of one run."""
    distribute(campaign, seed=seed)
    assert_proven()
    return set(holders("off20"))


def passed_over() -> dict[str, int]:
    return dict(Run.objects.latest("id").selection["tiers"]["off20"]["passed_over"])


def test_by_lot_the_seed_decides_and_not_the_distance() -> None:
    people = crowd(12)
    drawn = chosen(choosing(4, selection_method="random"))
    assert len(drawn) == 4
    assert drawn != {person.external_id for person in people[:4]}


def test_by_need_the_highest_score_comes_first() -> None:
    people = crowd(6)
    for score, person in enumerate(people):
        Resident.objects.filter(pk=person.pk).update(need_score=score)
    assert chosen(choosing(2, selection_method="need")) == {
        people[4].external_id,
        people[5].external_id,
    }


def test_need_is_counted_by_the_weights_of_the_terms() -> None:
    """The audit of `chosen` counts them again."""
    people = crowd(5)
    facts: list[dict[str, Any]] = [
        {"need_score": 40},
        {"birth_year": 1950},
        {"birth_year": 1940, "need_score": 2},
        {"tags": 1 << 3, "is_registered": True},
        {"has_residence_permit": True, "tags": 1 << 4},
    ]
    for person, on_file in zip(people, facts, strict=True):
        Resident.objects.filter(pk=person.pk).update(**on_file)
    weights = {"age_60": 50, "age_80": 1, "is_registered": 20, "tag_3": 40}
    drawn = chosen(choosing(2, selection_method="need", need_weights=weights))
    assert drawn == {people[3].external_id, people[2].external_id}


def test_districts_share_in_proportion_to_the_census() -> None:
    near, far = cast.district(), cast.district(310104, "徐汇区")
    District.objects.filter(pk=near.pk).update(population=600)
    District.objects.filter(pk=far.pk).update(population=200)
    people = crowd(16)
    Resident.objects.filter(pk__in=[p.pk for p in people[8:]]).update(district=far)
    drawn = chosen(choosing(8, selection_method="districts"))
    districts = Resident.objects.filter(external_id__in=drawn).values_list("district", flat=True)
    assert Counter(districts) == {near.pk: 6, far.pk: 2}


def test_a_share_is_guaranteed_to_seniors_however_far_they_live() -> None:
    people = crowd(8)
    Resident.objects.filter(pk__in=[p.pk for p in people[6:]]).update(birth_year=1960)
    drawn = chosen(choosing(4, senior_share_bp=5_000))
    assert drawn == {people[n].external_id for n in (0, 1, 6, 7)}


def test_a_share_is_guaranteed_to_those_whom_small_shops_reach() -> None:
    campaign = choosing(2, small_shop_share_bp=5_000)
    shop = cast.xujiahui()
    CampaignStore.objects.filter(campaign=campaign, store=shop).update(category=SMALL_SHOP)
    people = crowd(3)
    corner = cast.resident("corner", home=cast.north_of((121.4365, 31.1955), km=2))
    assert chosen(campaign) == {people[0].external_id, corner.external_id}


def test_a_control_group_gets_nothing_in_any_run_and_is_counted() -> None:
    people = crowd(40)
    campaign = choosing(100, hold_out_bp=2_000)
    ids = np.array([person.pk for person in people], dtype=np.int64)
    apart = held_out(campaign.code, ids, 2_000)
    expected = {p.external_id for p, is_out in zip(people, apart.tolist(), strict=True) if is_out}
    assert 0 < len(expected) < 20
    drawn = chosen(campaign)
    assert drawn == {person.external_id for person in people} - expected
    assert passed_over() == {"hold_out": len(expected)}
    assert chosen(campaign, seed="another") == drawn
    assert passed_over() == {"hold_out": len(expected), "already_served": len(drawn)}
    assert report_of(campaign, at=cast.NOON).held_out == len(expected)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"hold_out_bp": 2_001}, "at_most"),
        ({"senior_share_bp": 6_000, "small_shop_share_bp": 4_001}, "guaranteed_shares_fit"),
        ({"need_weights": {"age_60": 5}}, "need_weights_count"),
        ({"need_weights": {"luck": 5}, "selection_method": "need"}, "need_weight_known"),
        ({"need_weights": {"age_60": "5"}, "selection_method": "need"}, "need_weight_in_range"),
    ],
)
def test_terms_that_cannot_be_kept_are_refused(options: dict[str, Any], rule: str) -> None:
    draft = cast.spring_campaign()
    for name, value in options.items():
        setattr(draft, name, value)
    assert rule in {fault.rule for fault in faults(terms_of(draft), at=cast.NOON)}
