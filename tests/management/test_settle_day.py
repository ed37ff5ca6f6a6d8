"""The command settle_day settles and pays a business day."""

from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.support import cast
from tests.support.settlements import TODAY, redeemed, send_cash
from vouchers.models import (
    Campaign,
    Settlement,
)
from vouchers.states import SettlementState

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    """Funded 60 to 40 by city and group; stores of two merchants take part."""
    stores = (cast.nanjing_road(), cast.rival_shop())
    return cast.running_campaign(funding=cast.CO_FUNDED, stores=stores)


def run_command(*arguments: str) -> str:
    output = StringIO()
    call_command("settle_day", *arguments, stdout=output)
    return output.getvalue()


def test_the_command_settles_and_pays_a_day(campaign: Campaign) -> None:
    redeemed(campaign, [cast.nanjing_road()])
    send_cash(campaign, "city", 3_000)
    printed = run_command(campaign.code, TODAY.isoformat(), "--pay")
    assert "¥30.00" in printed
    states = Settlement.objects.order_by("source_id").values_list("state", flat=True)
    assert list(states) == [SettlementState.PAID, SettlementState.READY]


def test_the_command_keeps_on_record_who_ran_it(campaign: Campaign) -> None:
    redeemed(campaign, [cast.nanjing_road()])
    run_command(campaign.code, TODAY.isoformat(), "--by", "li")
    assert LogEntry.objects.filter(user=cast.li(), change_message__contains="settled").exists()
    with pytest.raises(CommandError, match="stranger"):
        run_command(campaign.code, TODAY.isoformat(), "--by", "stranger")


def test_the_command_says_what_it_cannot_do(campaign: Campaign) -> None:
    with pytest.raises(CommandError, match="nowhere"):
        run_command("nowhere")
    with pytest.raises(CommandError, match="2999-01-01"):
        run_command(campaign.code, "2999-01-01")
