"""Who is calling: keys looked up, remembered for seconds, and offered to REST framework."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Any, ClassVar, Final, Generic, Literal, TypeVar

from django.db import connection
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from merchants.errors import Refused
from merchants.models import Credential
from merchants.services.credentials import (
    SCOPES,
    SECRET_CHARACTERS,
    key_prefix,
    key_sha256,
)

# Asked for every key every few seconds, so it is a statement and not a queryset: building one takes
# ten times as long as running this.
FIND_CALLER: Final = """
SELECT c.id, c.kind, ARRAY(SELECT jsonb_array_elements_text(c.scopes)),
       ARRAY(SELECT m.merchant_id FROM merchants_credential_merchants m
              WHERE m.credential_id = c.id),
       ARRAY(SELECT s.store_id FROM merchants_credential_stores s WHERE s.credential_id = c.id),
       t.code, c.channel_code, c.is_test,
       EXISTS (SELECT FROM merchants_ownnumber o WHERE o.credential_id = c.id)
  FROM merchants_credentialkey k
  JOIN merchants_credential c ON c.id = k.credential_id
  LEFT JOIN merchants_terminal t ON t.id = c.terminal_id
 WHERE k.key_sha256 = %(key_sha256)s
   AND (k.revoked_at IS NULL OR k.revoked_at > %(at)s)
   AND (k.expires_at IS NULL OR k.expires_at > %(at)s)
   AND c.state = 'active' AND c.is_test = %(is_test)s
   AND (c.terminal_id IS NULL OR t.state = 'active')
"""

TERMINAL: Final = Credential.Kind.TERMINAL.value
POSITIVE_TTL_S: Final = 5.0
NEGATIVE_TTL_S: Final = 1.0
CACHED_KEYS: Final = 20_000

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Caller:
    """What a key may do. `store_ids` None: every store of its merchants."""

    credential_id: int
    kind: str
    scopes: frozenset[str]
    merchant_ids: frozenset[int]
    store_ids: frozenset[int] | None
    terminal_code: str
    channel_code: str
    is_test: bool
    # Whether it may name stores and tills by numbers of its own.
    has_own_numbers: bool = False

    is_authenticated: ClassVar = True

    @property
    def pk(self) -> int:
        """What throttles count by."""
        return self.credential_id


def authenticate(key_text: str, *, at: datetime) -> Caller | None:
    """The caller that a key stands for at `at`, by one query.

    None, whatever the cause: unknown, another cell's, revoked, expired, credential or terminal not
    active, or a test key of a credential that is live.
    """
    if not _is_wellformed(key_text):
        return None
    parameters: dict[str, Any] = {
        "key_sha256": key_sha256(key_text),
        "at": at,
        "is_test": key_text.startswith(key_prefix(is_test=True)),
    }
    with connection.cursor() as cursor:
        cursor.execute(FIND_CALLER, parameters)
        found = cursor.fetchone()
    return _caller(found) if found else None


def _caller(row: tuple[Any, ...]) -> Caller:
    credential_id, kind, scopes, merchants, stores, terminal, channel, is_test, has_own = row
    return Caller(
        credential_id=credential_id,
        kind=kind,
        scopes=frozenset(scopes),
        merchant_ids=frozenset(merchants),
        # A terminal without a store may act for no store; for other credentials, naming none means
        # all.
        store_ids=frozenset(stores) if stores or kind == TERMINAL else None,
        terminal_code=terminal or "",
        channel_code=channel,
        is_test=is_test,
        has_own_numbers=has_own,
    )


def _is_wellformed(key_text: str) -> bool:
    """Whether a text could be a key of this cell; a guess that can't costs no query."""
    live, test = key_prefix(is_test=False), key_prefix(is_test=True)
    return (
        len(key_text) == len(live) + SECRET_CHARACTERS
        and key_text.isascii()
        and key_text.startswith((live, test))
    )


class Cached(Enum):
    """Returned by a cache for a key it does not hold."""

    MISS = "miss"


class _TtlCache(Generic[Answer]):
    """A bounded dictionary; its entries expire after `ttl_s`, the oldest first."""

    def __init__(self, ttl_s: float, size: int) -> None:
        self._ttl_s, self._size = ttl_s, size
        self._entries: OrderedDict[bytes, tuple[float, Answer]] = OrderedDict()

    def get(self, digest: bytes, now_s: float) -> Answer | Literal[Cached.MISS]:
        due_s, answer = self._entries.get(digest, (now_s, Cached.MISS))
        return answer if now_s < due_s else Cached.MISS

    def put(self, digest: bytes, answer: Answer, now_s: float) -> None:
        self._entries.pop(digest, None)
        self._entries[digest] = (now_s + self._ttl_s, answer)
        while len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def clear(self) -> None:
        self._entries.clear()


class CallerCache:
    """Answers of `authenticate`, remembered for seconds by the monotonic clock.

    Safe for threads and bounded. Unknown keys are remembered apart and shorter, so that a flood of
    guesses pushes no real caller out. A revocation is seen after `ttl_s` at the latest. Only hashes
    of keys are kept.
    """

    def __init__(
        self,
        ttl_s: float = POSITIVE_TTL_S,
        *,
        negative_ttl_s: float = NEGATIVE_TTL_S,
        size: int = CACHED_KEYS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._callers = _TtlCache[Caller](ttl_s, size)
        self._strangers = _TtlCache[None](negative_ttl_s, size)
        self._clock = clock
        self._lock = threading.Lock()

    def peek(self, key_text: str) -> Caller | Literal[Cached.MISS] | None:
        """The cached caller, without asking the database; for event loops."""
        if not _is_wellformed(key_text):
            return None
        digest, now_s = key_sha256(key_text), self._clock()
        with self._lock:
            caller = self._callers.get(digest, now_s)
            if caller is not Cached.MISS:
                return caller
            return self._strangers.get(digest, now_s)

    def get(self, key_text: str, *, at: datetime) -> Caller | None:
        """The caller of a key: remembered, or asked of the database."""
        remembered = self.peek(key_text)
        return self._ask(key_text, at) if remembered is Cached.MISS else remembered

    def get_now(self, key_text: str, *, at: datetime) -> Caller | None:
        """The caller as the database has it now; only that a key is unknown is remembered."""
        return None if self.peek(key_text) is None else self._ask(key_text, at)

    def _ask(self, key_text: str, at: datetime) -> Caller | None:
        # The age counts from before the question: what is revoked meanwhile is not kept longer.
        asked_at_s = self._clock()
        caller = authenticate(key_text, at=at)
        digest = key_sha256(key_text)
        with self._lock:
            if caller is None:
                self._strangers.put(digest, None, asked_at_s)
            else:
                self._callers.put(digest, caller, asked_at_s)
        return caller

    def clear(self) -> None:
        """Empty the cache."""
        with self._lock:
            self._callers.clear()
            self._strangers.clear()


CALLERS: Final = CallerCache()
"""The process's cache; both doors ask it."""


def bearer_key(header: bytes) -> str | None:
    """The key in an Authorization header; None where there is none, or of another scheme."""
    scheme, _, key = header.strip().partition(b" ")
    key = key.strip()
    return key.decode("latin-1") if scheme.lower() == b"bearer" and key else None


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`; the caller becomes `request.auth` (and `request.user`).

    The database is asked at every call, so that who is switched off neither acts nor reads from the
    next one on; by another `find` a key may be remembered.
    """

    def __init__(self, find: Callable[..., Caller | None] = CALLERS.get_now) -> None:
        self._find = find

    def authenticate(self, request: Request) -> tuple[Any, Caller] | None:
        """The caller; None without a bearer header, AuthenticationFailed if the key is invalid."""
        key = bearer_key(get_authorization_header(request))
        if key is None:
            return None
        caller = self._find(key, at=timezone.now())
        if caller is None:
            raise AuthenticationFailed(code="unauthenticated")
        return caller, caller

    def authenticate_header(self, request: Request) -> str:
        """Makes REST framework answer 401 and not 403."""
        return 'Bearer realm="huimin"'


REMEMBERED_KEY: Final = partial(KeyAuthentication, CALLERS.get)
"""For calls that do nothing but one act, which asks in its own transaction whether the caller is
switched off."""


class HasScope(BasePermission):
    """Lets callers with a scope in: `permission_classes = [HasScope.of("redeem")]`."""

    scope: ClassVar[str] = ""

    @classmethod
    def of(cls, scope: str) -> "type[HasScope]":
        """The permission for one of SCOPES."""
        if scope not in SCOPES:
            raise ValueError(f"unknown scope {scope!r}")
        return type(f"HasScope_{scope}", (cls,), {"scope": scope})

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether there is a key; refuses `forbidden` for one that lacks the scope."""
        if not isinstance(request.auth, Caller):
            return False
        if self.scope not in request.auth.scopes:
            raise Refused("forbidden", scope=self.scope)
        return True


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document describes the keys."""

    target_class = "merchants.auth.KeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """A bearer token."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "vk_live_<cell>_… or vk_test_<cell>_…",
        }
