"""A draft is edited on its page: all of it or nothing, and a refusal stands on the form."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from merchants.errors import Refused
from tests.admin.conftest import signed_in
from tests.support import cast, draft_rows
from tests.support.admin_pages import errors_of, opened, page_of, said, saved, with_row
from vouchers.models import Campaign, Tier
from vouchers.services.campaigns import lifecycle
from vouchers.services.campaigns.drafts import RowEdit, edit_campaign, newest_edit

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft() -> Campaign:
    """A sound draft of today."""
    now = timezone.now()
    return cast.spring_campaign(starts_at=now, ends_at=now + 30 * cast.DAY)


@pytest.fixture
def mei() -> Client:
    """The manager's browser."""
    return signed_in(cast.mei())


def test_an_untouched_page_changes_nothing(draft: Campaign, mei: Client) -> None:
    edits = draft.edits.count()
    saved(mei.post(page_of(draft), opened(mei, draft)))
    assert draft.edits.count() == edits


def test_options_and_rows_are_saved_in_one_edit(draft: Campaign, mei: Client) -> None:
    form = opened(mei, draft)
    form |= {"name": "新名", "validity_s": "36", "validity_s_unit": "3600"}
    form = with_row(form, "limits", kind="11", limit_count="", limit_fen="¥1,234.56")
    form |= {"rings-0-label": "内圈", "participations-0-DELETE": "on"}
    edits = draft.edits.count()
    saved(mei.post(page_of(draft), form))
    draft.refresh_from_db()
    assert (draft.name, draft.validity_s) == ("新名", 36 * 3600)
    assert draft.limits.get(kind=11).limit_fen == 123_456
    assert draft.rings.order_by("from_m").values_list("label", flat=True)[0] == "内圈"
    assert draft.participations.count() == 2
    assert draft.edits.count() == edits + 1
    assert draft.edits.latest("id").what == "campaign, limits, participations, rings"


def test_a_refusal_stands_beside_its_field_and_nothing_is_saved(
    draft: Campaign, mei: Client
) -> None:
    form = opened(mei, draft)
    form |= {"name": "新名", "ends_at_0": form["starts_at_0"], "ends_at_1": form["starts_at_1"]}
    answer = mei.post(page_of(draft), form)
    assert "ends_at" in errors_of(answer)
    assert "结束" in str(answer.context["adminform"].form.errors["ends_at"])
    draft.refresh_from_db()
    assert draft.name == "春季消费券"


def test_an_old_page_does_not_overwrite_what_another_has_saved(
    draft: Campaign, mei: Client
) -> None:
    noor = signed_in(cast.member("noor", "manager"))
    old = opened(noor, draft) | {"radius_m": "4000"}
    saved(mei.post(page_of(draft), opened(mei, draft) | {"radius_m": "4500"}))
    answer = noor.post(page_of(draft), old)
    assert "条款已不是您所看到的版本" in errors_of(answer)
    draft.refresh_from_db()
    assert draft.radius_m == 4500
    saved(noor.post(page_of(draft), opened(noor, draft) | {"radius_m": "4000"}))


def test_a_page_that_does_not_say_what_it_has_seen_is_refused(draft: Campaign, mei: Client) -> None:
    form = opened(mei, draft) | {"radius_m": "4000"}
    del form["seen_edit"]
    assert "条款已不是您所看到的版本" in errors_of(mei.post(page_of(draft), form))


def test_a_page_of_a_campaign_submitted_meanwhile_says_so(draft: Campaign, mei: Client) -> None:
    form = opened(mei, draft) | {"name": "新名"}
    lifecycle.submit(campaign=draft, by=cast.mei(), at=timezone.now())
    answer = mei.post(page_of(draft), form)
    assert answer.status_code == 302
    assert "待审批" in said(answer)[-1]
    draft.refresh_from_db()
    assert draft.name == "春季消费券"


def test_a_quota_moved_to_another_slice_is_another_cell(draft: Campaign, mei: Client) -> None:
    off20, off50 = (draft.tiers.get(code=code) for code in ("off20", "off50"))
    cell = draft_rows.add(
        "cells", campaign=draft, tier=off20, cap_count=5, by=cast.mei(), at=timezone.now()
    )
    form = opened(mei, draft)
    row = next(name for name, value in form.items() if value == cell.pk and name.endswith("-id"))
    form[row.removesuffix("id") + "tier"] = off50.pk
    saved(mei.post(page_of(draft), form))
    moved = draft.cells.get(tier__isnull=False)
    assert (moved.tier, moved.cap_count) == (off50, 5)
    assert moved.pk != cell.pk


def test_a_hot_quota_and_a_hot_source_are_laid_over_sub_buckets(
    draft: Campaign, mei: Client
) -> None:
    form = with_row(opened(mei, draft), "cells", channel="alipay", cap_count="9", bucket_count="4")
    saved(mei.post(page_of(draft), form | {"cells-2-0-bucket_count": "8"}))
    buckets = draft.cells.values_list("source__code", "channel", "bucket_count")
    assert set(buckets) == {("city", None, 8), (None, "alipay", 4)}
    assert draft.edits.latest("id").what == "cells"
    over = opened(mei, draft) | {"cells-2-0-bucket_count": "65"}
    assert "64" in errors_of(mei.post(page_of(draft), over))


def test_the_quota_of_a_source_is_its_appropriation(draft: Campaign, mei: Client) -> None:
    city = draft.sources.get()
    own = draft.cells.get(source=city)
    form = with_row(opened(mei, draft), "cells", source=city.pk, cap_fen="9", bucket_count="1")
    answer = mei.post(page_of(draft), form)
    assert errors_of(answer)
    for values in ({"cap_fen": 9}, {"source": None}, None):
        with pytest.raises(Refused, match="cell_of_appropriation"):
            edit_campaign(
                campaign=draft,
                seen_edit=newest_edit(draft),
                options={},
                parts={"cells": [RowEdit(own.pk, values)]},
                by=cast.mei(),
                at=timezone.now(),
            )
    assert draft.cells.get().cap_fen == city.appropriated_fen


def test_a_round_that_a_quota_names_cannot_be_deleted(draft: Campaign, mei: Client) -> None:
    now = timezone.now()
    held = draft_rows.add(
        "rounds",
        campaign=draft,
        number=1,
        opens_at=draft.starts_at,
        closes_at=draft.ends_at,
        by=cast.mei(),
        at=now,
    )
    draft_rows.add("cells", campaign=draft, round=held, cap_count=5, by=cast.mei(), at=now)
    answer = mei.post(page_of(draft), opened(mei, draft) | {"rounds-0-DELETE": "on"})
    assert answer.status_code == 200
    assert draft.rounds.count() == 1


def test_the_audience_is_chosen_in_fields(draft: Campaign, mei: Client) -> None:
    form = opened(mei, draft)
    form |= {
        "audience_age_min": "55",
        "audience_districts": [cast.district().pk],
        "audience_has_residence_permit": "false",
        "audience_need_score_min": "0",
    }
    saved(mei.post(page_of(draft), form))
    draft.refresh_from_db()
    filled = {
        "age_min": 55,
        "districts": [cast.district().pk],
        "has_residence_permit": False,
        "need_score_min": 0,
    }
    assert draft.audience_filter == filled
    saved(mei.post(page_of(draft), opened(mei, draft) | {"name": "新名"}))
    draft.refresh_from_db()
    assert draft.audience_filter == filled, "shown as it was saved"
    saved(mei.post(page_of(draft), opened(mei, draft) | {"audience_age_min": ""}))
    draft.refresh_from_db()
    assert "age_min" not in draft.audience_filter


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("audience_tags_all", "64"),
        ("audience_tags_all", "x"),
        ("audience_age_min", "-1"),
        ("audience_is_registered", "perhaps"),
        ("validity_s", "0"),
        ("validity_s", "1.5"),
        ("validity_s", "99999999999999999999"),
        ("authorise_ttl_s", "10000"),
        ("anchor_recipients", "nowhere"),
        ("radius_m", "0"),
    ],
)
def test_what_cannot_be_applied_is_an_error_of_its_field(
    draft: Campaign, mei: Client, field: str, typed: str
) -> None:
    answer = mei.post(page_of(draft), opened(mei, draft) | {field: typed})
    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors


def test_a_tier_and_its_shares_are_changed_together(draft: Campaign, mei: Client) -> None:
    tier = draft.tiers.get(code="off20")
    form = opened(mei, tier) | {"face_fen": "￥25.50"}
    assert "25.50" in str(mei.post(page_of(tier), form).context["errors"])
    saved(mei.post(page_of(tier), form | {"splits-0-amount_fen": "25.50"}))
    tier.refresh_from_db()
    assert tier.face_fen == 2_550
    assert [share.amount_fen for share in tier.splits.all()] == [2_550]
    assert draft.edits.latest("id").what == "tier off20"


def test_a_tier_that_a_quota_names_is_not_deleted(draft: Campaign, mei: Client) -> None:
    tier = draft.tiers.get(code="off20")
    address = reverse("admin:vouchers_tier_delete", args=[tier.pk])
    cell = draft_rows.add(
        "cells", campaign=draft, tier=tier, cap_count=5, by=cast.mei(), at=timezone.now()
    )
    mei.post(address, {"post": "yes"})
    assert Tier.objects.filter(pk=tier.pk).exists()
    saved(mei.post(page_of(draft), opened(mei, draft) | {f"cells-{0}-DELETE": "on"}))
    assert not draft.cells.filter(pk=cell.pk).exists()
    assert mei.post(address, {"post": "yes"}).status_code == 302
    assert not Tier.objects.filter(pk=tier.pk).exists()
    assert draft.edits.latest("id").what == "tier off20 deleted"
