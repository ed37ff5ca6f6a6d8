"""Calls that Django answers under ASGI share a few connections, and outlive them."""

import pytest
from django.db import connection
from django.utils import timezone

from config.handler import THREADS
from tests.support import cast
from tests.support.http_till import PATH, open_campaign, till_key
from tests.support.web_server import Server

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

CALLS = 40
CONNECTIONS_MAX = THREADS + 4
"""One a thread, and a few of the server's lanes."""

OTHERS = """
  FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend'
   AND pid <> pg_backend_pid()
"""


def test_many_calls_share_a_few_connections_and_lost_ones_are_replaced(
    express_server: Server,
) -> None:
    open_campaign(timezone.now())
    headers = {"Authorization": f"Bearer {till_key(cast.nanjing_road())}"}

    def ask(times: int) -> None:
        for number in range(times):
            with express_server.client() as client:
                answer = client.get(PATH, params={"order_no": f"A{number}"}, headers=headers)
            assert answer.status_code == 200, answer.text

    ask(CALLS)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {OTHERS}")
        (kept,) = cursor.fetchone()
        assert 0 < kept <= CONNECTIONS_MAX
        cursor.execute(f"SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 5000)) {OTHERS}")
        assert cursor.fetchone() == (kept,)
    ask(THREADS)
