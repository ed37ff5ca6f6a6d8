"""Drafts by which no one can be judged: page, map and command say what is wrong with them."""

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse
from django.utils import translation

from tests.admin.conftest import signed_in
from tests.support import cast
from vouchers.models import Campaign, CampaignStore

pytestmark = pytest.mark.django_db

FLAWS = {
    "radius": "A radius must lie between 1 m and 10000 m.",
    "store": "A radius must lie between 1 m and 10000 m.",
    "rings": "Ring B must begin where ring A ends.",
    "filter": "The audience filter cannot be applied: Unknown audience filter: colour.",
}


def spoil(draft: Campaign, flaw: str) -> None:
    rows = Campaign.objects.filter(pk=draft.pk)
    if flaw == "radius":
        rows.update(radius_m=100_000)
    elif flaw == "store":
        CampaignStore.objects.filter(campaign=draft).update(radius_m=10_001)
    elif flaw == "rings":
        draft.rings.filter(label="A").update(to_m=3_500)
    else:
        rows.update(audience_filter={"colour": "red"})


def by_page(client: Client, draft: Campaign) -> str:
    address = reverse("admin:vouchers_campaign_preview", args=[draft.pk])
    return client.get(address, follow=True).content.decode()


def by_map(client: Client, draft: Campaign) -> str:
    answer = client.post(reverse("admin:vouchers_campaign_reach", args=[draft.pk]))
    assert answer.status_code == 409
    return str(answer.json()["refused"])


def by_command(client: Client, draft: Campaign) -> str:
    with pytest.raises(CommandError) as refused, translation.override("en"):
        call_command("preview", draft.code, "--by", cast.mei().username, stdout=StringIO())
    return str(refused.value)


@pytest.mark.parametrize("flaw", FLAWS)
@pytest.mark.parametrize("door", [by_page, by_map, by_command])
def test_a_draft_that_reaches_no_one_is_refused_with_what_is_wrong(
    door: Callable[[Client, Campaign], str], flaw: str
) -> None:
    draft = cast.spring_campaign()
    spoil(draft, flaw)
    client = signed_in(cast.mei())
    client.cookies.load({"django_language": "en"})
    assert FLAWS[flaw] in door(client, draft)
