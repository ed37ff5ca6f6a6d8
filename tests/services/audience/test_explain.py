"""Why one resident is reached or not: the rule, its author, and the line that a look leaves."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.utils import translation

from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import NOON
from vouchers.http.explanations import sentence
from vouchers.models import Campaign, Resident, ResidentPoint
from vouchers.services import residents
from vouchers.services.audience.explain import Explained, explain, look_up
from vouchers.services.history import note

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def campaign(rows_of_module: None) -> Campaign:
    """Reaches people of 60 or more, registered, in one of two streets, with tag 3."""
    draft = cast.spring_campaign()
    draft.audience_filter = {
        "age_min": 60,
        "is_registered": True,
        "districts": [cast.district().pk],
        "streets": ["外滩", "南京东路"],
        "tags_all": [3],
    }
    draft.save(update_fields=["audience_filter"])
    return cast.launched(draft)


@pytest.fixture
def elder(campaign: Campaign) -> Resident:
    """Meets every condition."""
    made = cast.resident("elder")
    attributes: dict[str, Any] = {
        "birth_year": 1950,
        "is_registered": True,
        "street": "外滩",
        "tags": 1 << 3,
    }
    Resident.objects.filter(pk=made.pk).update(**attributes)
    return made


def said_of(resident: Resident, campaign: Campaign) -> Explained:
    return explain(campaign=campaign, resident=resident, at=NOON)


def in_english(said: Explained) -> str:
    with translation.override("en"):
        return sentence(said)


def test_who_meets_all_conditions_is_reached_by_approved_terms(
    campaign: Campaign, elder: Resident
) -> None:
    said = said_of(elder, campaign)
    assert said.reason is None
    assert said.decided_by == cast.li().username


@pytest.mark.parametrize(
    ("changed", "conditions"),
    [
        ({"birth_year": 1990}, ["age_min"]),
        ({"birth_year": None}, ["age_min"]),
        ({"is_registered": None}, ["is_registered"]),
        ({"district": None}, ["districts"]),
        ({"street": "", "tags": 0}, ["streets", "tags_all"]),
    ],
)
def test_the_conditions_that_fail_are_named(
    campaign: Campaign, elder: Resident, changed: dict[str, Any], conditions: list[str]
) -> None:
    Resident.objects.filter(pk=elder.pk).update(**changed)
    said = said_of(elder, campaign)
    assert said.reason == "filtered"
    assert list(said.conditions) == conditions
    assert in_english(said).startswith("not targeted: not of the audience wanted (")


def test_the_sentence_says_what_is_asked(campaign: Campaign, elder: Resident) -> None:
    Resident.objects.filter(pk=elder.pk).update(birth_year=1990, street="", district=None)
    assert in_english(said_of(elder, campaign)) == (
        "not targeted: not of the audience wanted (at least 60 years old · lives in 黄浦区"
        " · lives in the street of 外滩, 南京东路)"
    )


def test_acts_on_a_resident_name_who_did_them(campaign: Campaign, elder: Resident) -> None:
    residents.freeze(resident=elder, reason="two identities", by=cast.ren(), at=NOON)
    assert (said_of(elder, campaign).reason, said_of(elder, campaign).decided_by) == (
        "frozen",
        cast.ren().username,
    )
    residents.unfreeze(resident=elder, reason="proven", by=cast.ren(), at=NOON)
    residents.exclude(resident=elder, campaign=campaign, reason="staff", by=cast.mei(), at=NOON)
    assert (said_of(elder, campaign).reason, said_of(elder, campaign).decided_by) == (
        "excluded",
        cast.mei().username,
    )


def test_who_froze_a_resident_is_named_by_the_act_and_not_by_a_text(
    campaign: Campaign, elder: Resident
) -> None:
    residents.freeze(resident=elder, reason="two identities", by=cast.ren(), at=NOON)
    note(elder, by=cast.mei(), what="frozen: said in passing", at=NOON + timedelta(hours=1))
    assert said_of(elder, campaign).decided_by == "ren"


def test_a_look_is_kept_with_its_reason(campaign: Campaign, elder: Resident) -> None:
    look_up(campaign=campaign, resident=elder, reason="call 4711", by=cast.mei(), at=NOON)
    entry = LogEntry.objects.get(object_id=str(elder.pk), change_message__contains="4711")
    assert entry.user == cast.mei()
    assert campaign.code in entry.change_message


def test_who_may_not_see_residents_may_not_look(campaign: Campaign, elder: Resident) -> None:
    visitor = User.objects.create_user("visitor", is_staff=True)
    with pytest.raises(Refused) as refused:
        look_up(campaign=campaign, resident=elder, reason="curious", by=visitor, at=NOON)
    assert refused.value.refusal.code == "not_permitted"
    assert not LogEntry.objects.filter(change_message__contains="curious").exists()


def test_an_exclusion_that_was_lifted_decides_no_more(campaign: Campaign, elder: Resident) -> None:
    made = residents.exclude(resident=elder, campaign=None, reason="x", by=cast.mei(), at=NOON)
    residents.lift_exclusion(exclusion=made, by=cast.mei(), at=NOON)
    later = NOON + timedelta(seconds=1)
    assert explain(campaign=campaign, resident=elder, at=later).reason is None


def test_a_place_that_cannot_be_used_is_named_with_its_fault(
    campaign: Campaign, elder: Resident
) -> None:
    ResidentPoint.objects.filter(resident=elder).update(latitude_deg=70.0)
    said = said_of(elder, campaign)
    assert (said.reason, said.point_kind, said.decided_by) == ("bad_coordinates", "home", "")
    assert in_english(said).endswith(
        "Latitudes beyond 60 degrees north or south are not supported.)"
    )
