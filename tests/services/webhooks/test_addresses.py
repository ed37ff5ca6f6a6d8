"""Webhooks reach the public Internet and what the operator names, and no other network."""

import asyncio
import socket
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from vouchers.services.webhooks.addresses import ForbiddenAddressError, is_allowed, resolve


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "64:ff9b::a00:1",
    ],
)
def test_private_and_disguised_addresses_are_refused(address: str) -> None:
    assert not is_allowed(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(ip_address(address))


def test_the_operator_may_name_private_networks(settings: Any) -> None:
    settings.HUIMIN_WEBHOOK_NETWORKS = [ip_network("10.8.0.0/16")]
    assert is_allowed(ip_address("10.8.1.1"))
    assert not is_allowed(ip_address("10.9.1.1"))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1", "0x7f000001", "2130706433"])
def test_a_name_or_number_for_this_machine_is_refused(host: str) -> None:
    with pytest.raises(ForbiddenAddressError):
        asyncio.run(resolve(host, 443))


def test_a_name_that_is_not_known_is_named() -> None:
    """`.invalid` is no name anywhere (RFC 2606)."""
    with pytest.raises(OSError, match=r"the name pos\.invalid can't be resolved: "):
        asyncio.run(resolve("pos.invalid", 443))


def test_one_private_address_among_public_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name server is another's: this is the one answer that can't be had for real."""

    async def answers(*_args: Any, **_options: Any) -> list[Any]:
        stream = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*stream, ("1.1.1.1", 443)), (*stream, ("10.0.0.1", 443))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", answers)
    with pytest.raises(ForbiddenAddressError):
        asyncio.run(resolve("two-faced.example", 443))
