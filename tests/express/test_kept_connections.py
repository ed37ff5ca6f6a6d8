"""A refusal leaves the connection usable, also when it was due before the body had come."""

import socket
import time
from http.client import HTTPResponse

import pytest
from django.utils import timezone

from tests.support import cast
from tests.support.http_till import PATH, open_campaign, till_key
from tests.support.web_server import Server

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

BODY = b'{"voucher": "1"}'
LATE_S = 0.1
"""How long after its headers the body comes; a server that does not wait for it has answered."""


def status_of(connection: socket.socket, path: str, key: str, *, late_s: float) -> int:
    """The answer's status to a call without an idempotency key, whose body comes late."""
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}"
        f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    )
    connection.sendall(head.encode())
    time.sleep(late_s)
    connection.sendall(BODY)
    response = HTTPResponse(connection)
    response.begin()
    response.read()
    return response.status


def test_the_next_call_on_the_connection_is_answered(
    express_server: Server, rest_server: Server
) -> None:
    open_campaign(timezone.now())
    key = till_key(cast.nanjing_road())
    for server in (express_server, rest_server):
        for path, caller, status in (
            (PATH, key, 400),
            (PATH, "", 401),
            (f"{PATH}/batch", "", 401),
            ("/api/v1/nowhere", "", 404),
        ):
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
                asked = [
                    status_of(connection, path, caller, late_s=late_s) for late_s in (LATE_S, 0.0)
                ]
            assert asked == [status, status], (server.url, path)
