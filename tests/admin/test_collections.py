"""What a merchant owes is recorded in the admin when it has been paid back."""

import pytest
from django.test import Client

from tests.admin.conftest import signed_in
from tests.support import cast
from tests.support.admin_pages import press
from tests.support.till import nothing_moves
from vouchers.models import Campaign, Collection
from vouchers.queries.ledger.recoverables import owed_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def mei() -> Client:
    """The manager's browser."""
    return signed_in(cast.mei())


def typed(campaign: Campaign, amount: str, **changed: object) -> dict[str, object]:
    """The dialog's fields for the first debt."""
    debt = owed_rows(campaign.pk)[0]
    return {
        "debt": f"{debt.merchant_id}-{debt.source_id}",
        "amount_fen": amount,
        "document_no": "C-2",
        "request_id": "c2",
        **changed,
    }


def test_a_debt_is_paid_back_in_yuan_and_recorded_once(town: Campaign, mei: Client) -> None:
    debt = owed_rows(town.pk)[0]
    form = typed(town, f"¥{debt.fen / 100 - 1:.2f}")
    for _ in range(2):
        assert "HX-Redirect" in press(mei, "collect", town, **form)
    made = Collection.objects.get(request_id="c2")
    assert (made.amount_fen, made.recorded_by, made.document_no) == (debt.fen - 100, "mei", "C-2")
    assert owed_rows(town.pk)[0] == debt._replace(fen=100)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"amount_fen": "1,000,000.00"}, "amount_fen"),
        ({"amount_fen": "0"}, "amount_fen"),
        ({"amount_fen": "1.005"}, "amount_fen"),
        ({"debt": "1-999999999"}, "debt"),
        ({"debt": "unknown"}, "debt"),
        ({"document_no": ""}, "document_no"),
    ],
)
def test_what_cannot_have_been_paid_back_is_an_error_of_its_field(
    town: Campaign, mei: Client, changed: dict[str, str], field: str
) -> None:
    with nothing_moves():
        answer = press(mei, "collect", town, **typed(town, "1.00", **changed))
    assert "HX-Redirect" not in answer
    assert field in answer.context["form"].errors


def test_more_than_is_owed_says_how_much_is(town: Campaign, mei: Client) -> None:
    owed_fen = owed_rows(town.pk)[0].fen
    answer = press(mei, "collect", town, **typed(town, "1,000,000.00"))
    assert f"{owed_fen / 100:.2f}" in answer.content.decode()


def test_it_needs_its_permission(town: Campaign) -> None:
    li = signed_in(cast.li())
    with nothing_moves():
        assert press(li, "collect", town, **typed(town, "1.00")).status_code == 403
