"""Callers of the API and their keys. A key's text exists once, in the answer that made it."""

import hashlib
import secrets
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from merchants.errors import Refused
from merchants.models import Credential, CredentialKey, Merchant, Store, Terminal

SCOPES: Final = frozenset({"claim", "quote", "redeem", "refund", "residents", "settlements"})
KEY_BYTES: Final = 32
SECRET_CHARACTERS: Final = 43
"""What base64 makes of `KEY_BYTES`."""
HINT_CHARACTERS: Final = 4


def key_prefix(*, is_test: bool) -> str:
    """What every key of this cell begins with, live or of the sandbox."""
    return f"vk_{'test' if is_test else 'live'}_{settings.HUIMIN_CELL}_"


def key_sha256(key_text: str) -> bytes:
    """The hash by which a key is stored. Its 256 random bits make a slow hash needless."""
    return hashlib.sha256(key_text.encode()).digest()


@transaction.atomic
def issue_credential(
    *,
    name: str,
    kind: Credential.Kind,
    scopes: Collection[str],
    at: datetime,
    merchants: Iterable[Merchant] = (),
    stores: Iterable[Store] = (),
    terminal: Terminal | None = None,
    channel_code: str = "",
    is_test: bool = False,
    expires_at: datetime | None = None,
) -> tuple[Credential, str]:
    """A new caller and the text of its first key, which can't be shown again.

    A terminal's credential acts for its store and that store's merchant. Refused
    `credential_incomplete`: an unknown scope, a store of a merchant it doesn't act for, a channel
    without a code, a terminal's without a terminal, an end before its beginning.
    """
    merchants, stores = list(merchants), list(stores)
    if terminal is not None:
        merchants, stores = [terminal.store.merchant], [terminal.store]
    _check(kind, scopes, merchants, stores, terminal, channel_code)
    credential = Credential.objects.create(
        name=name,
        kind=kind,
        scopes=sorted(scopes),
        terminal=terminal,
        channel_code=channel_code,
        is_test=is_test,
    )
    credential.merchants.set(merchants)
    credential.stores.set(stores)
    return credential, _new_key(credential, at, expires_at)


@transaction.atomic
def rotate_key(
    *, credential: Credential, overlap_s: int, at: datetime, expires_at: datetime | None = None
) -> str:
    """The text of a new key; the keys before it stay valid for `overlap_s` more seconds at most."""
    credential = Credential.objects.select_for_update(no_key=True).get(pk=credential.pk)
    ends_at = at + timedelta(seconds=overlap_s)
    alive = credential.keys.filter(revoked_at__isnull=True).filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=ends_at)
    )
    if overlap_s > 0:
        alive.update(expires_at=ends_at)
    else:
        alive.update(revoked_at=at)
    return _new_key(credential, at, expires_at)


def _check(
    kind: Credential.Kind,
    scopes: Collection[str],
    merchants: list[Merchant],
    stores: list[Store],
    terminal: Terminal | None,
    channel_code: str,
) -> None:
    owners = {merchant.pk for merchant in merchants}
    if unknown := set(scopes) - SCOPES:
        raise Refused("credential_incomplete", "scope_unknown", scope=min(unknown))
    if any(store.merchant_id not in owners for store in stores):
        raise Refused("credential_incomplete", "store_of_other_merchant")
    if (kind is Credential.Kind.CHANNEL) != bool(channel_code):
        raise Refused("credential_incomplete", "channel_code")
    if (kind is Credential.Kind.TERMINAL) != (terminal is not None):
        raise Refused("credential_incomplete", "terminal")


def _new_key(credential: Credential, at: datetime, expires_at: datetime | None) -> str:
    if expires_at is not None and expires_at <= at:
        raise Refused("credential_incomplete", "expires_before_it_begins")
    prefix = key_prefix(is_test=credential.is_test)
    key_text = prefix + secrets.token_urlsafe(KEY_BYTES)
    CredentialKey.objects.create(
        credential=credential,
        key_sha256=key_sha256(key_text),
        hint=key_text[: len(prefix) + HINT_CHARACTERS],
        created_at=at,
        expires_at=expires_at,
    )
    return key_text
