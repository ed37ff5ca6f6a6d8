"""A store's number is its merchant's: opened by hand, and found for a terminal's key."""

from typing import Any

import pytest
from django.test import RequestFactory

from merchants.admin.forms import CredentialForm
from merchants.errors import Refused
from merchants.geo import Datum
from merchants.models import Merchant, Store
from merchants.services import enrol_terminal, open_store
from tests.support import cast
from tests.support.cast import NOON

pytestmark = pytest.mark.django_db


def opened(merchant: Merchant, number: str) -> Store:
    return open_store(
        merchant=merchant,
        external_id=number,
        name="人民广场店",
        category="mall",
        longitude=121.478,
        latitude=31.228,
        datum=Datum.GCJ_02,
        at=NOON,
    )


def test_two_merchants_open_stores_of_one_number() -> None:
    ours, theirs = opened(cast.huilian(), "A001"), opened(cast.rival(), "A001")
    assert ours.pk != theirs.pk
    assert {str(ours), str(theirs)} == {"汇联百货 A001 人民广场店", "对手百货 A001 人民广场店"}


@pytest.mark.parametrize("again", ["A001", "a001"])
def test_a_merchant_opens_a_number_once_in_any_case(again: str) -> None:
    opened(cast.huilian(), "A001")
    with pytest.raises(Refused) as refused:
        opened(cast.huilian(), again)
    assert refused.value.refusal.code == "already_exists"


def asked(**fields: Any) -> CredentialForm:
    """The dialog for a terminal's key."""
    data = {"_form_submitted": "on", "name": "till", "kind": "terminal", "scopes": ["redeem"]}
    return CredentialForm(RequestFactory().post("/"), data={**data, **fields})


def test_a_terminal_of_two_chains_number_needs_the_merchant() -> None:
    for merchant in (cast.huilian(), cast.rival()):
        enrol_terminal(store=opened(merchant, "A001"), code="T1")
    form = asked(terminal_no="a001/T1")
    assert not form.is_valid()
    assert form.errors["terminal_no"] == ["多个商户有该编号的门店，请选择商户。"]
    form = asked(terminal_no="A001/T1", merchant=cast.rival().pk)
    assert form.is_valid(), form.errors
    assert form.cleaned_data["terminal_no"].store.merchant == cast.rival()
