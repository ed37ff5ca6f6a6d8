"""Drafts made of presets and of other campaigns, and their money made to fit."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User

from merchants.errors import Refused
from tests.support import cast, draft_rows, till
from vouchers.models import Campaign
from vouchers.queries.campaigns.readiness import surroundings_of
from vouchers.queries.campaigns.terms import document_of, terms_of
from vouchers.rules.campaigns.budget import budget_of
from vouchers.rules.campaigns.presets import PRESETS, Preset
from vouchers.rules.campaigns.soundness import faults
from vouchers.services.campaigns import drafts, making, setting_up, terms
from vouchers.services.campaigns.drafts import newest_edit
from vouchers.services.campaigns.setting_up import Fit, SourceEdit, TierEdit

pytestmark = pytest.mark.django_db
AT = cast.NOON
START = datetime(2026, 5, 1, 2, tzinfo=UTC)


def made(preset: Preset) -> Campaign:
    return making.from_preset(
        preset=preset,
        code=preset.key,
        name="五月",
        starts_at=START,
        is_test=False,
        language="zh-hans",
        by=cast.mei(),
        at=AT,
    )


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_a_preset_wants_nothing_but_stores(preset: Preset) -> None:
    campaign = made(preset)
    assert [fault.rule for fault in faults(terms_of(campaign), at=AT)] == ["has_stores"]
    assert budget_of(terms_of(campaign)).is_exact
    terms.add_stores(campaign=campaign, stores=[cast.nanjing_road()], by=cast.mei(), at=AT)
    assert faults(terms_of(campaign), at=AT) == []


def test_a_preset_that_is_refused_leaves_nothing_behind() -> None:
    made(PRESETS[0])
    with pytest.raises(Refused, match="terms_invalid"):
        made(PRESETS[0])
    with pytest.raises(Refused, match="not_permitted"):
        making.from_preset(
            preset=PRESETS[1],
            code="other",
            name="x",
            starts_at=START,
            is_test=False,
            language="en",
            by=cast.li(),
            at=AT,
        )
    assert Campaign.objects.count() == 1


def cloned(campaign: Campaign, **change: object) -> Campaign:
    options: dict[str, object] = {
        "code": "autumn",
        "name": "秋季消费券",
        "starts_at": campaign.starts_at + 100 * cast.DAY,
        "is_test": False,
    }
    return making.clone(campaign=campaign, by=cast.mei(), at=AT, **(options | change))  # type: ignore[arg-type]


def test_a_clone_promises_the_same_at_another_time() -> None:
    spring = cast.spring_campaign(funding=cast.CO_FUNDED, tier_counts={"off20": 7})
    opens = spring.starts_at + cast.DAY
    held = draft_rows.add(
        "rounds", campaign=spring, number=1, opens_at=opens, closes_at=opens + cast.DAY,
        by=cast.mei(), at=AT,
    )  # fmt: skip
    for values in (
        {"round": held, "cap_count": 3},
        {"store": cast.nanjing_road(), "cap_count": 2},
        {"district": cast.district(), "source": spring.sources.get(code="city"), "cap_fen": 9},
        {"channel": "alipay", "day": opens.date(), "cap_count": 1},
    ):
        draft_rows.add("cells", campaign=spring, by=cast.mei(), at=AT, **values)
    bund = cast.street(((121.45, 31.2), (121.5, 31.2), (121.5, 31.25), (121.45, 31.2)))
    for area in (
        {"kind": "within_district", "district": cast.district()},
        {"kind": "within_street", "street": bund},
        {"kind": "include_polygon", "geometry": dict(bund.boundary)},
    ):
        draft_rows.add("geofences", campaign=spring, by=cast.mei(), at=AT, **area)
    bund.boundary = {}
    bund.save()
    autumn = cloned(spring)
    before, after = document_of(spring), document_of(autumn)
    assert after["campaign"]["starts_at"] == "2026-06-25T04:00:00Z"
    assert after["rounds"][0]["opens_at"] == "2026-06-26T04:00:00Z"
    assert {"channel": "alipay", "day": "2026-06-26"} in [row["slice"] for row in after["cells"]]
    for document in (before, after):
        for name in ("code", "name", "starts_at", "ends_at"):
            del document["campaign"][name]
        for row in (*document["stores"], *document["rounds"]):
            for name in ("valid_from_at", "opens_at", "closes_at"):
                row.pop(name, None)
        for row in document["cells"]:
            row["slice"].pop("day", None)
        document["cells"].sort(key=str)
    assert after == before
    assert autumn.state == "draft"
    assert autumn.created_by == cast.mei()


def test_a_running_campaign_is_cloned_without_the_stores_that_have_left() -> None:
    spring = cast.running_campaign()
    gone = spring.participations.get(store=cast.xujiahui())
    gone.valid_until_at = AT + timedelta(hours=1)
    gone.save(update_fields=["valid_until_at"])
    trial = cloned(spring, is_test=True)
    assert trial.is_test
    assert sorted(row.store.external_id for row in trial.participations.all()) == [
        "closed_shop",
        "nanjing_road",
    ]
    assert {row.valid_from_at for row in trial.participations.all()} == {AT}


def test_numbers_and_budget_are_made_to_fit_in_one_edit() -> None:
    draft = cast.spring_campaign(
        budget_fen=1_000_000, tier_counts={"off20": 200, "off50": 200, "off150": 0}
    )
    for fit, planned_fen in ((Fit.COUNTS, 999_000), (Fit.BUDGET, 999_000)):
        setting_up.make_fit(
            campaign=draft, seen_edit=newest_edit(draft), fit=fit, by=cast.mei(), at=AT
        )
        assert budget_of(terms_of(draft)).planned_fen == planned_fen
    assert budget_of(terms_of(draft)).is_exact
    assert draft.edits.latest("id").what == "fit budget"
    with pytest.raises(Refused, match="terms_not_as_seen"):
        setting_up.make_fit(campaign=draft, seen_edit=1, fit=Fit.COUNTS, by=cast.mei(), at=AT)


@pytest.mark.parametrize(
    ("service", "sent"),
    [
        (setting_up.edit_sources, {"sources": [SourceEdit("city", "市财政", 7)]}),
        (setting_up.edit_tiers, {"tiers": [TierEdit(None, None, {}, None)]}),
        (setting_up.make_fit, {"fit": Fit.BUDGET}),
        (terms.add_stores, {"stores": []}),
    ],
)
def test_what_another_person_has_edited_since_is_not_overwritten(
    service: Callable[..., object], sent: dict[str, object]
) -> None:
    draft = cast.spring_campaign()
    seen = newest_edit(draft)
    drafts.edit_campaign(
        campaign=draft,
        seen_edit=seen,
        options={"radius_m": 4_000},
        parts={},
        by=cast.member("noor", "manager"),
        at=AT,
    )
    before = document_of(draft)
    with pytest.raises(Refused) as refused:
        service(campaign=draft, seen_edit=seen, by=cast.mei(), at=AT, **sent)
    assert refused.value.refusal.rule == "edited_since"
    assert document_of(draft) == before


def test_sources_are_added_renamed_and_changed_together_or_not_at_all() -> None:
    draft = cast.spring_campaign()

    def edit(*sources: SourceEdit) -> None:
        setting_up.edit_sources(
            campaign=draft, seen_edit=newest_edit(draft), sources=sources, by=cast.mei(), at=AT
        )

    edit(SourceEdit("city", "市商务委", 7), SourceEdit("bank", "银行", 5))
    assert set(draft.sources.values_list("code", "name", "appropriated_fen")) == {
        ("city", "市商务委", 7),
        ("bank", "银行", 5),
    }
    with pytest.raises(Refused, match="amount_not_positive"):
        edit(SourceEdit("city", "x", 8), SourceEdit("bank", "银行", -1))
    assert draft.sources.get(code="city").appropriated_fen == 7


def test_tiers_come_and_go_with_their_numbers() -> None:
    draft = cast.spring_campaign(tier_counts={"off20": 5})
    off20, off50 = (draft.tiers.get(code=code) for code in ("off20", "off50"))
    new = {"code": "off9", "name": "立减9", "kind": "flat", "face_fen": 900}
    setting_up.edit_tiers(
        campaign=draft,
        seen_edit=newest_edit(draft),
        tiers=[
            TierEdit(off20.pk, None, {}, None),
            TierEdit(off50.pk, {"face_fen": 4_000}, {"city": 4_000}, 11),
            TierEdit(None, new, {"city": 900}, None),
        ],
        by=cast.mei(),
        at=AT,
    )
    budget = budget_of(terms_of(draft))
    assert {tier.code: (tier.face_fen, tier.count) for tier in budget.tiers} == {
        "off150": (15_000, None),
        "off50": (4_000, 11),
        "off9": (900, None),
    }
    with pytest.raises(Refused, match="terms_invalid"):
        setting_up.edit_tiers(
            campaign=draft,
            seen_edit=newest_edit(draft),
            tiers=[TierEdit(off50.pk, {"face_fen": 4_000}, {"city": 3_999}, 12)],
            by=cast.mei(),
            at=AT,
        )
    assert budget_of(terms_of(draft)) == budget


def test_those_who_edited_cannot_approve() -> None:
    draft = cast.spring_campaign()
    assert surroundings_of(draft, at=AT).approvers == 1
    lead = cast.member("lead", "approver")
    assert surroundings_of(draft, at=AT).approvers == 2
    cast.grant(lead, "manager")
    drafts.edit_campaign(
        campaign=draft,
        seen_edit=newest_edit(draft),
        options={"name": "新名"},
        parts={},
        by=User.objects.get(pk=lead.pk),
        at=AT,
    )
    assert surroundings_of(draft, at=AT).approvers == 1
    User.objects.update(is_active=False)
    assert surroundings_of(draft, at=AT).approvers == 0


def test_a_redemption_in_the_sandbox_counts_at_its_merchants_alone() -> None:
    draft = cast.spring_campaign()
    other = cast.spring_campaign(stores=(cast.rival_shop(),))
    trial = cast.running_campaign(is_test=True)
    (voucher,) = till.issue_vouchers(trial, [cast.ada()], at=AT)
    assert not surroundings_of(draft, at=AT).is_tried, "issued, but not redeemed yet"
    mall = cast.nanjing_road()
    hand = till.till_of(mall, is_test=True)
    order = till.order(voucher, mall, cast.ada(), at=AT, caller=hand)
    assert till.answer_to(order)[0] == 201
    assert surroundings_of(draft, at=AT).is_tried
    assert not surroundings_of(other, at=AT).is_tried
