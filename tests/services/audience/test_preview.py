"""A preview of a campaign's audience: figures, cost, the line it leaves and how often it may be."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from merchants.errors import Refused
from merchants.models import StoreLocation
from tests.support import cast
from tests.support.cast import NOON
from tests.support.history import in_words
from vouchers.models import AudienceMember, Campaign, CampaignStore, PreviewCount
from vouchers.services.audience import snapshots
from vouchers.services.audience.preview import (
    MOST_AN_HOUR,
    Preview,
    last_preview,
    last_reached,
    preview,
)
from vouchers.services.history import note

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def campaign(rows_of_module: None) -> Campaign:
    """Twelve people near the store, fourteen in the next ring, nine far off."""
    running = cast.running_campaign()
    for number in range(12):
        cast.resident(f"near{number}")
    for number in range(14):
        cast.resident(f"next{number}", home=cast.north_of(cast.PEOPLES_SQUARE, km=4))
    for number in range(9):
        cast.resident(f"far{number}", home=cast.north_of(cast.PEOPLES_SQUARE, km=40))
    return running


def seen(campaign: Campaign, by: User | None = None) -> Preview:
    return preview(campaign=campaign, by=by or cast.mei(), at=NOON)


def test_the_preview_counts_people_in_tens_and_hides_few(campaign: Campaign) -> None:
    found = seen(campaign)
    figures = found.figures
    assert (figures.examined, figures.targeted) == (40, 30)
    assert [found.ring_labels[at] for at in figures.rings] == ["A", "B"]
    assert figures.rings == {0: 10, 1: 10}
    assert figures.districts == {310101: 30}
    assert figures.stores == {found.store_ids.index(cast.nanjing_road().pk): 30}
    assert figures.only_by_store == figures.stores
    assert figures.untargeted == {}
    assert not AudienceMember.objects.exists()


def test_a_snapshot_gives_the_same_figures(campaign: Campaign) -> None:
    before = seen(campaign)
    snapshots.build_snapshot(at=NOON)
    assert seen(campaign) == before


def test_what_is_expected_keeps_to_the_quota(campaign: Campaign) -> None:
    found = seen(campaign).expectation
    assert found.tiers
    for tier in found.tiers:
        assert tier.issued <= tier.wanted
        assert sum(tier.by_source.values()) == tier.cost_fen
    assert sum(found.by_source.values()) == found.cost_fen


def test_stores_outside_their_stated_district_are_named(campaign: Campaign) -> None:
    assert seen(campaign).stray_store_ids == ()
    moved = StoreLocation.objects.get(store=cast.nanjing_road(), version=1)
    moved.pk, moved.version, moved.outside_district = None, 2, True
    moved.save()
    assert seen(campaign).stray_store_ids == (cast.nanjing_road().pk,)


def test_every_preview_leaves_who_and_which_terms(campaign: Campaign) -> None:
    seen(campaign)
    entry = LogEntry.objects.get(
        user=cast.mei(),
        object_id=str(campaign.pk),
        action_time=NOON,
        change_message__contains="audience previewed",
    )
    words = "Audience previewed within 5,000 m of: home; everyone within reach; terms "
    assert in_words(entry).startswith(words)


def test_previews_are_limited_to_sixty_an_hour_per_user(campaign: Campaign) -> None:
    seen(campaign)
    made = PreviewCount.objects.get()
    for _ in range(MOST_AN_HOUR - 1):
        made.pk = None
        made.save()
    with pytest.raises(Refused) as refused:
        seen(campaign)
    assert refused.value.refusal.code == "rate_limited"
    seen(campaign, by=cast.li())
    preview(campaign=campaign, by=cast.mei(), at=NOON + timedelta(hours=1))


def test_a_preview_that_fails_is_in_the_history_and_does_not_count(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vouchers.services.audience.preview.MOST_AN_HOUR", 1)
    draft = cast.spring_campaign(code="misread")
    Campaign.objects.filter(pk=draft.pk).update(audience_filter={"colour": "red"})
    with pytest.raises(Refused, match="terms_invalid"):
        seen(Campaign.objects.get(pk=draft.pk))
    assert LogEntry.objects.filter(change_message__contains="audience previewed").count() == 1
    seen(campaign)
    with pytest.raises(Refused, match="rate_limited"):
        seen(campaign)


def test_a_stranger_sees_no_preview(campaign: Campaign) -> None:
    stranger = User.objects.create_user("stranger", is_staff=True)
    with pytest.raises(Refused) as refused:
        seen(campaign, by=stranger)
    assert refused.value.refusal.code == "not_permitted"


def test_a_draft_is_seen_as_at_its_start(campaign: Campaign) -> None:
    draft = cast.spring_campaign(code="autumn")
    Campaign.objects.filter(pk=draft.pk).update(starts_at=NOON + 5 * cast.DAY)
    CampaignStore.objects.filter(campaign=draft).update(valid_from_at=NOON + 5 * cast.DAY)
    assert seen(Campaign.objects.get(pk=draft.pk)).figures.targeted == 30


def test_a_campaign_without_stores_has_an_empty_audience(campaign: Campaign) -> None:
    draft = cast.spring_campaign(code="bare")
    CampaignStore.objects.filter(campaign=draft).delete()
    found = seen(draft)
    assert found.figures.targeted == 0
    assert found.expectation.cost_fen == 0


def test_the_control_group_is_not_issued_to(campaign: Campaign) -> None:
    draft = cast.spring_campaign(code="trial")
    Campaign.objects.filter(pk=draft.pk).update(hold_out_bp=2_000)
    (first, *_) = seen(Campaign.objects.get(pk=draft.pk)).expectation.tiers
    assert first.wanted == 24


def test_what_a_preview_showed_is_recalled_by_store_and_district(campaign: Campaign) -> None:
    figures = seen(campaign).figures
    found = last_reached(campaign)
    assert found is not None
    reached, counted = found
    assert (reached.targeted, reached.at) == (30, counted.at)
    assert reached.stores == {cast.nanjing_road().pk: 30}
    assert reached.districts == figures.districts
    assert (reached.seniors, reached.registered) == ({}, {})


def test_figures_that_are_not_those_of_the_last_preview_do_not_count(campaign: Campaign) -> None:
    seen(campaign)
    later = NOON + timedelta(minutes=1)
    PreviewCount.objects.create(
        campaign=campaign,
        by=cast.mei(),
        terms_sha256=bytes(32),
        targeted=20,
        examined=40,
        at=later,
    )
    assert last_reached(campaign) is None


def test_a_line_of_the_history_is_taken_for_no_preview(campaign: Campaign) -> None:
    seen(campaign)
    before = last_preview(campaign)
    line = f"paused: audience counted: 900 of 900, terms {'0' * 64}"
    note(campaign, by=cast.mei(), what=line, at=NOON + timedelta(minutes=1))
    assert before is not None
    assert last_preview(campaign) == before


def test_what_a_preview_counted_is_kept_with_its_author(campaign: Campaign) -> None:
    figures = seen(campaign).figures
    kept = PreviewCount.objects.get()
    assert (kept.campaign, kept.by, kept.at) == (campaign, cast.mei(), NOON)
    assert (kept.targeted, kept.examined) == (figures.targeted, figures.examined)


def test_without_valkey_a_preview_is_made_and_not_remembered(
    campaign: Campaign, settings: Any
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert seen(campaign).figures.targeted == 30
    assert last_reached(campaign) is None


def test_a_map_has_blocks_of_ten_and_more_from_snapshot_and_rows_alike(campaign: Campaign) -> None:
    def mapped() -> list[int]:
        found = preview(campaign=campaign, by=cast.mei(), at=NOON, is_mapped=True)
        return sorted(block.people for block in found.density)

    assert mapped() == [10, 10], "those nine who live far off are not drawn"
    assert seen(campaign).density == ()
    snapshots.build_snapshot(at=NOON)
    assert mapped() == [10, 10]
    # Whoever comes later is counted in the blocks that there are.
    for number in range(6):
        cast.resident(f"later{number}")
    assert mapped() == [10, 20]
    campaign.audience_filter = {"age_min": 60}
    assert mapped() == []
