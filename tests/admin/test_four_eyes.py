"""Whatever changes what was approved goes one way: another's inbox with its age and its money, as
many approvers as the money asks for, and done with the last of them."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.admin.conftest import signed_in
from tests.admin.test_setup import save
from tests.support import cast
from tests.support.admin_pages import figures_seen, press
from vouchers.models import Campaign, Proposal
from vouchers.money import yuan
from vouchers.services.campaigns import risk_rules
from vouchers.states import CampaignState, LimitKind

pytestmark = pytest.mark.django_db

MORE_FEN: Final = 1_000
EDGES_YUAN: Final = (5,)
"""From five yuan on two people are asked."""


@pytest.fixture(scope="module")
def standing_campaign(rows_of_module: None) -> Campaign:
    """Running as of now, with a quota of each tier."""
    now = timezone.now()
    counts = {"off20": 100, "off50": 100}
    cast.approvers(2)
    return cast.running_campaign(
        at=now, starts_at=now - cast.DAY, ends_at=now + 30 * cast.DAY, tier_counts=counts
    )


@pytest.fixture
def campaign(standing_campaign: Campaign, settings: Any) -> Campaign:
    settings.HUIMIN_APPROVERS = EDGES_YUAN
    return Campaign.objects.get(pk=standing_campaign.pk)


def budget(mei: Client, campaign: Campaign) -> None:
    city = campaign.sources.get()
    target_fen = f"{(city.appropriated_fen + MORE_FEN) / 100:.2f}"
    seen = figures_seen(mei, "propose_appropriation", campaign)
    given = {"source": city.pk, "target_fen": target_fen, "why": "more", "request_id": "r-1"}
    press(mei, "propose_appropriation", campaign, **given, seen=seen)


def budget_of(campaign: Campaign) -> int:
    return campaign.sources.get().appropriated_fen


def amendment(mei: Client, campaign: Campaign) -> None:
    last_day = timezone.localtime(campaign.ends_at).date() + 10 * cast.DAY
    press(mei, "amend", campaign, ends_on=last_day.isoformat())


def end_of(campaign: Campaign) -> Any:
    return campaign.ends_at


def limit(mei: Client, campaign: Campaign) -> None:
    press(mei, "amend", campaign, resident_day_limit_count="4")


def limit_of(campaign: Campaign) -> int | None:
    return campaign.limits.get(kind=LimitKind.RESIDENT_DAY).limit_count


def reissue(mei: Client, campaign: Campaign) -> None:
    target = campaign.cells.get(tier__code="off20")
    seen = figures_seen(mei, "propose_room", campaign)
    given = {"target": target.pk, "count": "40", "why": "it came back", "request_id": "r-2"}
    press(mei, "propose_room", campaign, **given, seen=seen)


def room_of(campaign: Campaign) -> int | None:
    return campaign.cells.get(tier__code="off20").cap_count


def rule(mei: Client, campaign: Campaign) -> None:
    address = reverse("admin:vouchers_campaign_propose_risk_rule", args=[campaign.pk])
    given = {
        "orders": "7", "setting": "live", "verdict": "refuse", "why": "tills repeat themselves",
        "request_id": "r-3", "expected_version": "0", "_form_submitted": "on",
    }  # fmt: skip
    answer = mei.post(f"{address}?kind=terminal_minute", given)
    assert answer.status_code == 302, answer.context["form"].errors


def rules_of(campaign: Campaign) -> Any:
    return risk_rules.in_force(campaign)


Proposes = Callable[[Client, Campaign], None]
WAYS: Final[dict[str, tuple[Proposes, Callable[[Campaign], Any], int | None]]] = {
    "budget": (budget, budget_of, MORE_FEN),
    "amendment": (amendment, end_of, None),
    "limits": (limit, limit_of, None),
    "reissue": (reissue, room_of, None),
    "rules": (rule, rules_of, None),
}
"""How a manager asks for it, what it changes, and the money it moves: of None all of it."""


@pytest.mark.parametrize("way", WAYS)
def test_it_waits_in_the_inbox_and_is_done_with_the_second_approval(
    campaign: Campaign, way: str
) -> None:
    propose, figure_of, moved_fen = WAYS[way]
    before = figure_of(campaign)
    whole_fen = budget_of(campaign)
    propose(signed_in(cast.mei()), campaign)
    for person, is_last in zip(cast.approvers(2), (False, True), strict=True):
        assert figure_of(Campaign.objects.get(pk=campaign.pk)) == before
        row = read_and_approved(signed_in(person))
        assert row["amount"] == yuan(moved_fen or whole_fen)
        assert row["author"] == "mei"
        assert row["signed"].startswith("1" if is_last else "0")
        assert row["age"]
    assert figure_of(Campaign.objects.get(pk=campaign.pk)) != before


def test_limits_are_terms_and_wait_in_the_same_inbox(settings: Any) -> None:
    """After the launch the draft's page changes none of them: an amendment does."""
    settings.HUIMIN_APPROVERS = EDGES_YUAN
    people, mei = cast.approvers(2), signed_in(cast.mei())
    now = timezone.now()
    draft = cast.spring_campaign(starts_at=now, ends_at=now + 30 * cast.DAY)
    kinds = list(draft.limits.values_list("kind", flat=True).order_by("id"))
    number = kinds.index(LimitKind.RESIDENT_DAY)
    answer = save(mei, draft, "limits", **{f"limits-{number}-limit_count": "2"})
    assert answer.status_code == 302
    press(mei, "submit", draft)
    for person in people:
        assert draft.state == CampaignState.SUBMITTED
        read_and_approved(signed_in(person))
        draft.refresh_from_db()
    assert draft.terms is not None
    limits = {row["kind"]: row["limit_count"] for row in draft.terms.document["limits"]}
    assert limits["resident_day"] == 2
    press(mei, "launch", draft)
    save(mei, draft, "limits", **{f"limits-{number}-limit_count": "9"})
    assert draft.limits.get(kind=LimitKind.RESIDENT_DAY).limit_count == 2


def read_and_approved(client: Client) -> dict[str, Any]:
    """Open what waits, approve just what the page shows; the inbox's line of it."""
    client.cookies.load({"django_language": "en"})
    (row,) = client.get(reverse("admin:vouchers_proposal_inbox")).context["rows"]
    shown = client.get(row["url"]).context["sha256"]
    client.post(row["url"], {"decision": "approve", "seen_sha256": shown})
    assert client.get(reverse("admin:vouchers_proposal_inbox")).context["rows"] == []
    return dict(row)


def test_a_form_sent_twice_is_one_proposal(campaign: Campaign) -> None:
    mei = signed_in(cast.mei())
    for _ in range(2):
        budget(mei, campaign)
    assert Proposal.objects.count() == 1
