"""What a source appropriates and sends: each figure and each receipt recorded once."""

import pytest

from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import NOON
from vouchers.models import CashReceipt, FundingSource
from vouchers.services.ledger import funding

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> FundingSource:
    return cast.spring_campaign().sources.get(code="city")


def receive(source: FundingSource, **change: object) -> CashReceipt:
    usual = {"amount_fen": 1_000, "document_no": "C-1", "request_id": "one", "by": cast.mei()}
    given = {**usual, **change}
    return funding.receive_cash(source=source, at=NOON, **given)  # type: ignore[arg-type]


def test_a_receipt_says_who_recorded_it(city: FundingSource) -> None:
    receipt = receive(city)
    receipt.refresh_from_db()
    assert (receipt.recorded_by, receipt.amount_fen, receipt.document_no) == ("mei", 1_000, "C-1")


def test_who_may_not_record_cash_records_none(city: FundingSource) -> None:
    with pytest.raises(Refused, match="not_permitted"):
        receive(city, by=cast.li())
    assert not CashReceipt.objects.exists()


def test_cash_comes_in_instalments(city: FundingSource) -> None:
    receive(city)
    receive(city, request_id="two", amount_fen=500)
    assert funding.cash_received_fen([city.pk]) == {city.pk: 1_500}
    assert funding.cash_on_hand_fen(city) == 1_500


def test_the_same_receipt_twice_counts_once(city: FundingSource) -> None:
    assert receive(city) == receive(city, by=cast.member("wu", "manager"))
    assert funding.cash_received_fen([city.pk]) == {city.pk: 1_000}


def test_a_request_id_with_another_amount_is_refused(city: FundingSource) -> None:
    receive(city)
    with pytest.raises(Refused) as refused:
        receive(city, amount_fen=1_001)
    assert refused.value.refusal.code == "request_id_reused"
    assert funding.cash_received_fen([city.pk]) == {city.pk: 1_000}


def test_a_figure_of_a_draft_set_twice_is_set_once(city: FundingSource) -> None:
    given = {"source": city, "expected_fen": 500_000_000, "target_fen": 1_000, "at": NOON}
    assert funding.appropriate(**given) is not None  # type: ignore[arg-type]
    assert funding.appropriate(**given) is None  # type: ignore[arg-type]
    city.refresh_from_db()
    assert city.appropriated_fen == 1_000
