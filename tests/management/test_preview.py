"""The commands preview and explain say whom a campaign reaches, and why."""

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import translation

from tests.support import cast
from tests.support.distribution import distribute
from vouchers.admin.campaigns.preview import BARS_SHOWN, _largest
from vouchers.models import Campaign

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    """One store; Alice lives near it, Bob far away."""
    return cast.running_campaign()


def printed(command: str, *arguments: str, language: str = "en") -> str:
    """What a command that Mei runs says."""
    output = StringIO()
    arguments = (*arguments, "--by", cast.mei().username)
    if command == "explain":
        arguments = (*arguments, "--reason", "call 4711")
    with translation.override(language):
        call_command(command, *arguments, stdout=output)
    return output.getvalue()


def test_the_preview_hides_groups_of_fewer_than_ten(campaign: Campaign) -> None:
    for number in range(12):
        cast.resident(f"near{number}")
    cast.bob()

    shown = printed("preview", campaign.code)

    assert "By ring" in shown
    assert "One distribution would issue" in shown
    assert "outside every circle" not in shown
    assert "All stores" in shown
    assert "fewer than 10" in shown


def test_the_preview_of_an_empty_city_has_no_groups(campaign: Campaign) -> None:
    shown = printed("preview", campaign.code)
    assert "By ring" not in shown


def test_a_group_that_is_cut_says_how_many_there_are() -> None:
    with translation.override("en"):
        title, bars = _largest("By tag", dict.fromkeys(range(BARS_SHOWN + 1), 10), str)
    assert (title, len(bars)) == ("By tag (20 of 21 shown)", BARS_SHOWN)
    assert _largest("By tag", {1: 10}, str)[0] == "By tag"


def test_a_resident_is_explained_in_metres(campaign: Campaign) -> None:
    alice, bob = cast.alice(), cast.bob()
    assert " m, ring A" in printed("explain", campaign.code, alice.external_id)
    assert "m outside the circle of" in printed("explain", campaign.code, bob.external_id)


def test_a_resident_is_explained_as_a_run_found_them(campaign: Campaign) -> None:
    alice = cast.alice()
    run = distribute(campaign)
    text = printed("explain", campaign.code, alice.external_id, "--run", str(run.pk))
    assert " m, ring A; 满100减20 × 1: issued" in text
    assert "decided by li" in text
    with pytest.raises(CommandError, match="no run"):
        printed("explain", campaign.code, alice.external_id, "--run", str(run.pk + 1))


def test_both_speak_chinese(campaign: Campaign) -> None:
    alice = cast.alice()
    assert "已圈定" in printed("explain", campaign.code, alice.external_id, language="zh-hans")
    assert "居民" in printed("preview", campaign.code, language="zh-hans")


def test_both_name_what_they_do_not_know(campaign: Campaign) -> None:
    with pytest.raises(CommandError, match="nowhere"):
        printed("preview", "nowhere")
    with pytest.raises(CommandError, match="nowhere"):
        printed("explain", "nowhere", "alice")
    with pytest.raises(CommandError, match="stranger"):
        printed("explain", campaign.code, "stranger")
    with pytest.raises(CommandError, match="somebody"):
        call_command("preview", campaign.code, "--by", "somebody")


def test_a_user_without_the_permission_gets_an_error_message(campaign: Campaign) -> None:
    User.objects.create_user("visitor", is_staff=True)
    for command in (
        ["preview", campaign.code],
        ["explain", campaign.code, cast.alice().external_id, "--reason", "curious"],
    ):
        with pytest.raises(CommandError, match="无权"):
            call_command(*command, "--by", "visitor")
