"""The PL/pgSQL baseline keeps the engine's rules (the benchmarks try it with 10,000 requests)."""

import os

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.benchmarks import equality, ground
from tests.support import database
from vouchers.errors import CATALOGUE

REQUESTS = 600
NEVER_SEEN = {
    # The interface's own, answered in front of the service.
    "malformed_request",
    "idempotency_key_required",
    "unauthenticated",
    "forbidden",
    "not_found",
    # Of requests at the same time, which this comparison has not.
    "request_in_flight",
    "busy",
    # Of acts that this baseline has not.
    "voucher_withdrawn",
    "order_reversed",
    "redemption_state",
    "refund_too_large",
}


@pytest.mark.usefixtures("django_db_setup")
def test_engine_and_pgbench_give_the_same_verdicts_and_rows(
    django_db_blocker: DjangoDbBlocker,
) -> None:
    with django_db_blocker.unblock():
        report = equality.compare(
            template=database.TEMPLATE, count=REQUESTS, name=f"test_huimin_{os.getpid()}_same"
        )
        ground.close()
    assert not report.differences, "\n".join(report.differences)
    refusals = {code for code, meaning in CATALOGUE.items() if meaning.audience != "manager"}
    assert set(report.verdicts) - {"redeemed"} <= refusals - NEVER_SEEN
    assert report.verdicts["redeemed"] > REQUESTS / 4
