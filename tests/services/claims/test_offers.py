"""What a resident is offered is found with as many statements for many offers as for one."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.claims import TEN, app, grab, neighbours
from vouchers.services.claims.offers import offers

pytestmark = pytest.mark.django_db


def test_the_room_of_all_offers_is_read_at_once() -> None:
    for number in range(3):
        grab(code=f"grab-{number}")
    (resident,) = neighbours(1)
    with CaptureQueriesContext(connection) as captured:
        found = offers(caller=app(), resident=resident.external_id, at=TEN)
    assert [offer.state for offer in found] == ["open"] * 3
    rooms = [query for query in captured.captured_queries if "quotabucket" in query["sql"]]
    assert len(rooms) == 1
