"""Typed access to environment variables: a wrong or missing one stops the program by name."""

import fcntl
import hmac
import os
import re
import secrets
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})
KEY_BYTES = 32
SLUG = re.compile(r"[a-z0-9]{1,12}")
HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?")
MAIL_PORTS = {"smtp": 25, "submission": 587, "smtps": 465}


def text(name: str, default: str = "") -> str:
    """The variable without surrounding blanks; an empty one counts as not set."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool) -> bool:
    """A switch: 1/0, true/false, yes/no, on/off in any case; anything else is an error."""
    value = text(name).lower()
    if not value:
        return default
    if value not in TRUE | FALSE:
        raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")
    return value in TRUE


def integer(name: str, default: int, *, least: int = 0) -> int:
    """A whole number ≥ `least`; anything else is an error."""
    value = text(name)
    if not value:
        return default
    if not value.isdecimal():
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.")
    if int(value) < least:
        raise ImproperlyConfigured(f"{name} must be at least {least}, not {value}.")
    return int(value)


def thresholds(name: str, default: tuple[int, ...]) -> tuple[int, ...]:
    """At most two growing amounts in whole yuan, written with commas, or `none`."""
    named = words(name)
    if named == ["none"]:
        return ()
    if not all(word.isdecimal() for word in named):
        raise ImproperlyConfigured(f"{name} must be whole amounts in yuan, or none.")
    found = tuple(map(int, named)) or default
    if len(found) > 2 or any(a >= b for a, b in pairwise((0, *found))):
        raise ImproperlyConfigured(f"{name} must be at most two amounts, the greater one last.")
    return found


def slug(name: str, default: str) -> str:
    """1 to 12 lower-case letters and digits; anything else is an error."""
    value = text(name, default)
    if not SLUG.fullmatch(value):
        raise ImproperlyConfigured(
            f"{name} must be 1 to 12 lower-case letters or digits, not {value!r}."
        )
    return value


def words(name: str, default: Sequence[str] = ()) -> list[str]:
    """A list written with commas."""
    return [word.strip() for word in text(name).split(",") if word.strip()] or list(default)


def tile_url(name: str) -> str:
    """Where map tiles are: https://host/…, http://host/… or a path of ours, with {z}, {x} and {y};
    anything else is an error. The host is named, since browsers may load from it alone."""
    value = text(name)
    parts = urlsplit(value)
    is_somewhere = parts.path.startswith("/") and (
        HOST.fullmatch(parts.netloc) if parts.scheme in {"https", "http"} else not parts.netloc
    )
    if value and not (is_somewhere and all(part in value for part in ("{z}", "{x}", "{y}"))):
        raise ImproperlyConfigured(f"{name} must be https://host/… with {{z}}, {{x}} and {{y}}.")
    return value


def choice(name: str, among: Sequence[str], *, needed: bool) -> str:
    """One of some words; empty where it is neither set nor needed."""
    value = text(name)
    if value not in among and (value or needed):
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(among)}, not {value!r}.")
    return value


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """A list of networks (CIDR) written with commas; anything else is an error."""
    try:
        return [ip_network(word) for word in words(name)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}.") from None


def secret(name: str) -> str:
    """A variable the program can't run without; its value is never shown."""
    value = text(name)
    if not value:
        raise ImproperlyConfigured(f"{name} is not set: in production every secret comes from it.")
    return value


def key(name: str, value: str) -> bytes:
    """A key written in hexadecimal, at least 32 bytes long."""
    try:
        raw = bytes.fromhex(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be written in hexadecimal.") from None
    if len(raw) < KEY_BYTES:
        raise ImproperlyConfigured(f"{name} must be at least {KEY_BYTES} bytes long.")
    return raw


def code_key(secret: bytes, *, cell: str) -> bytes:
    """The key of a cell's voucher codes, derived from its secret: cells that share the secret by
    mistake refuse each other's codes all the same.
    """
    return hmac.digest(secret, f"voucher codes|{cell}".encode(), "sha256")


def mail_server(name: str, url: str) -> dict[str, Any]:
    """Django's EMAIL_ settings from scheme://user:password@host:port."""
    parts = urlsplit(url)
    if parts.scheme not in MAIL_PORTS or not parts.hostname:
        raise ImproperlyConfigured(f"{name} must be smtp://, submission:// or smtps:// and a host.")
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or MAIL_PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "submission",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
    }


def local_secrets(path: Path, names: Sequence[str]) -> dict[str, str]:
    """Secrets of a local installation: read from `path` (mode 0600), made once where missing.

    A file lock makes the first of several starting processes the only one that invents a value.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with open(descriptor, "r+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        known = dict(line.strip().split("=", 1) for line in file if "=" in line)
        missing = {name: secrets.token_hex(KEY_BYTES) for name in names if name not in known}
        file.writelines(f"{name}={value}\n" for name, value in missing.items())
        file.flush()
        os.fsync(file.fileno())
    return known | missing
