"""Where a webhook may go: to the public Internet, and into no private network.

A name is resolved once, every address it has is judged, and the connection goes to the address that
was judged: a name that answers differently the next moment (DNS rebinding) gains nothing.
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from django.conf import settings

Address = IPv4Address | IPv6Address

# IPv6 that stands for an IPv4 address somewhere else: 6to4, Teredo, NAT64.
TUNNELS: Final = tuple(
    map(ip_network, ("2002::/16", "2001::/32", "64:ff9b::/96", "64:ff9b:1::/48"))
)


class ForbiddenAddressError(Exception):
    """The host has an address that no webhook is sent to."""


async def resolve(host: str, port: int) -> Address:
    """The address to connect to. ForbiddenAddressError if any of the host's is not allowed, OSError
    if it has none."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise OSError(f"the name {host} can't be resolved: {error.strerror}") from None
    addresses = [_plain(ip_address(item[4][0])) for item in found]
    for address in addresses:
        if not is_allowed(address):
            raise ForbiddenAddressError(f"{host} has the private address {address}")
    return addresses[0]


def is_allowed(address: Address) -> bool:
    """Whether an address is public, or in a network that `HUIMIN_WEBHOOK_NETWORKS` names."""
    address = _plain(address)
    if any(address in network for network in settings.HUIMIN_WEBHOOK_NETWORKS):
        return True
    if any(address in network for network in TUNNELS):
        return False
    return address.is_global and not address.is_multicast


def _plain(address: Address) -> Address:
    """An IPv4 address written as IPv6 is the IPv4 address."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
