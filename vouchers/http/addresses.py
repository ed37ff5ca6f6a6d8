"""The address a request comes from, as far as it can be known."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest

NETWORK_BITS = 64
"""Of an IPv6 address: the rest is the subscriber's own to choose."""


def client_address(request: HttpRequest) -> str | None:
    """The caller's address, of IPv6 the first 64 bits; None where the server names none.

    Behind HUIMIN_PROXIES proxies it is the entry that the outermost of them has added to
    X-Forwarded-For. Entries to the left of it are whatever the caller has sent.
    """
    sent = request.META.get("REMOTE_ADDR", "")
    if settings.HUIMIN_PROXIES:
        entries = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(entries) >= settings.HUIMIN_PROXIES:
            sent = entries[-settings.HUIMIN_PROXIES]
    address = _parsed(sent.strip())
    return None if address is None else str(_network(address))


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _network(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    free_bits = address.max_prefixlen - NETWORK_BITS
    return IPv6Address(int(address) >> free_bits << free_bits)
