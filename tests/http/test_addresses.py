"""A caller's address, where a header can't choose it."""

from typing import Any

import pytest
from django.test import RequestFactory

from vouchers.http.addresses import client_address


def address(proxies: int, forwarded: str | None, sent: str, settings: Any) -> str | None:
    """What is taken for the caller behind a number of proxies."""
    settings.HUIMIN_PROXIES = proxies
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    return client_address(RequestFactory(REMOTE_ADDR=sent).get("/", headers=headers))


@pytest.mark.parametrize(
    ("proxies", "forwarded", "sent", "expected"),
    [
        (0, None, "192.0.2.1", "192.0.2.1"),
        (0, "203.0.113.9", "192.0.2.1", "192.0.2.1"),
        (1, "203.0.113.9", "192.0.2.1", "203.0.113.9"),
        (1, "198.51.100.7, 203.0.113.9", "192.0.2.1", "203.0.113.9"),
        (2, "198.51.100.7, 203.0.113.9", "192.0.2.1", "198.51.100.7"),
        (2, "1.1.1.1, 198.51.100.7, 203.0.113.9", "192.0.2.1", "198.51.100.7"),
        (2, "203.0.113.9", "192.0.2.1", "192.0.2.1"),
        (1, None, "192.0.2.1", None),
        (1, "unknown", "192.0.2.1", None),
        (0, None, "", None),
        (0, None, "2001:db8:1:2:aaaa:bbbb:cccc:dddd", "2001:db8:1:2::"),
        (0, None, "::ffff:192.0.2.1", "192.0.2.1"),
    ],
)
def test_only_what_the_operators_proxies_added_is_believed(
    proxies: int, forwarded: str | None, sent: str, expected: str | None, settings: Any
) -> None:
    assert address(proxies, forwarded, sent, settings) == expected


def test_where_the_server_names_no_peer_there_is_no_address(settings: Any) -> None:
    settings.HUIMIN_PROXIES = 0
    request = RequestFactory().get("/")
    del request.META["REMOTE_ADDR"]
    assert client_address(request) is None
