"""What became of the money of each round, tier and source adds up to the books."""

import pytest

from tests.support import cast
from tests.support.campaign_with_history import campaign_with_history
from vouchers.models import Tranche
from vouchers.queries.ledger.balances import balances
from vouchers.queries.ledger.leftovers import leftovers_of
from vouchers.states import AccountKind

pytestmark = pytest.mark.django_db


def test_every_fen_issued_is_used_in_hands_owed_or_back() -> None:
    campaign = campaign_with_history()
    found = leftovers_of(campaign.pk)
    assert {(row.tier, row.source) for row in found.rows} == {
        (tier, source) for tier in ("off50", "ten") for source in ("bureau", "mall")
    }
    for row in found.rows:
        gone_fen = row.used_fen + row.in_hands_fen + row.recoverable_fen + row.returned_fen
        assert row.issued_fen == gone_fen, row
        assert 0 <= row.expired_fen <= row.returned_fen


def test_the_rows_add_up_to_the_accounts() -> None:
    campaign = campaign_with_history()
    found = leftovers_of(campaign.pk)
    for source, parts_fen in balances(campaign.pk).items():
        rows = [row for row in found.rows if row.source == source]
        assert sum(row.in_hands_fen for row in rows) == (
            parts_fen[AccountKind.OUTSTANDING] + parts_fen[AccountKind.AUTHORISED]
        )
        assert sum(row.used_fen for row in rows) == sum(
            parts_fen[kind]
            for kind in (AccountKind.PAYABLE, AccountKind.RISK_HELD, AccountKind.SETTLED)
        )
        assert sum(row.recoverable_fen for row in rows) == parts_fen[AccountKind.RECOVERABLE]
        assert found.free_fen[source] == parts_fen[AccountKind.FREE]


def test_a_campaign_that_issued_nothing_has_all_of_it_free() -> None:
    campaign = cast.running_campaign()
    found = leftovers_of(campaign.pk)
    assert (list(found.rows), found.free_fen) == ([], {"city": 500_000_000})
    assert found.returned_fen == 0
    assert not Tranche.objects.exists()
