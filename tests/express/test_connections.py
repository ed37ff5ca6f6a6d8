"""Calls that Django answers under ASGI leave no connection to the database behind."""

import httpx
import pytest
from django.db import connection
from django.utils import timezone

from tests.support import cast
from tests.support.http_till import open_campaign, till_key
from tests.support.web_server import Server

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

CALLS = 40
CONNECTIONS_MAX = 10
"""A few of the server's lanes and of this process."""


def test_many_calls_leave_few_connections(express_server: Server) -> None:
    open_campaign(timezone.now())
    headers = {"Authorization": f"Bearer {till_key(cast.nanjing_road())}"}
    url = f"{express_server.url}/api/v1/redemptions"
    for number in range(CALLS):
        answer = httpx.get(url, params={"order_no": f"A{number}"}, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_type = 'client backend'"
        )
        (open_connections,) = cursor.fetchone()
    assert open_connections <= CONNECTIONS_MAX
