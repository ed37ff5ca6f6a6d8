"""Terminals enrolled by one-time codes: typed once at the till, which gets its key for it."""

import hashlib
import secrets
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q

from merchants.errors import Refused
from merchants.models import Credential, EnrolmentCode, EnrolmentGuess, State, Terminal
from merchants.services.credentials import SCOPES, issue_credential, rotate_key

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: no letter that looks like a digit or another letter."""
CODE_CHARACTERS: Final = 12
"""60 random bits."""
GROUP: Final = 4
LOOKALIKES: Final = str.maketrans("OIL", "011", "- ")
WRONG_PER_HOUR: Final = 20
"""Wrong codes that one address may send in an hour; counted exactly."""
NO_ADDRESS: Final = "::"
"""Under which wrong codes are counted whose senders' addresses are not known."""
HOUR_S: Final = 3600
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EnrolledTerminal:
    """A terminal with its key, which can't be shown again."""

    key_text: str
    terminal: Terminal
    credential: Credential


@transaction.atomic
def make_code(
    *,
    terminal: Terminal,
    scopes: Collection[str],
    at: datetime,
    valid_s: int,
    is_test: bool = False,
) -> str:
    """A code for a terminal, good once until `valid_s` seconds have passed; an unused code that was
    made for it before is void. Refused `credential_incomplete` for an unknown scope or none."""
    unknown = set(scopes) - SCOPES
    if unknown or not scopes:
        raise Refused("credential_incomplete", "scope_unknown", scope=min(unknown, default=""))
    # Two codes made at once: the later one waits here and voids the earlier.
    Terminal.objects.select_for_update(no_key=True).get(pk=terminal.pk)
    EnrolmentCode.objects.filter(terminal=terminal, is_test=is_test, used_at=None).delete()
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_CHARACTERS))
    EnrolmentCode.objects.create(
        terminal=terminal,
        code_sha256=_sha256(code),
        scopes=sorted(scopes),
        is_test=is_test,
        created_at=at,
        expires_at=at + timedelta(seconds=valid_s),
    )
    return "-".join(code[i : i + GROUP] for i in range(0, CODE_CHARACTERS, GROUP))


def enrol_by_code(*, code: str, address: str | None, at: datetime) -> EnrolledTerminal:
    """Spend a code for a terminal's key. A terminal that had one keeps its identity, and its keys
    before end at once.

    Refused `enrolment_code_invalid`: unknown, used, expired, or of a terminal, its credential,
    store or merchant that is not active; and `rate_limited` after `WRONG_PER_HOUR` wrong ones from
    an address.
    """
    with transaction.atomic():
        guesses = _lock_guesses(address or NO_ADDRESS, at)
        is_open = guesses.wrong < WRONG_PER_HOUR
        enrolled = _spend(code, at) if is_open else None
        if is_open and enrolled is None:
            guesses.wrong += 1
            guesses.save(update_fields=["wrong"])
    # Raised after the commit, so that the wrong code stays counted.
    if not is_open:
        ends_at = guesses.hour_at + timedelta(seconds=HOUR_S)
        raise Refused("rate_limited", "wrong_codes", retry_after_s=int((ends_at - at).seconds) + 1)
    if enrolled is None:
        raise Refused("enrolment_code_invalid")
    return enrolled


def _lock_guesses(address: str, at: datetime) -> EnrolmentGuess:
    hour_at = at.replace(minute=0, second=0, microsecond=0)
    EnrolmentGuess.objects.filter(hour_at__lt=hour_at - DAY).delete()
    EnrolmentGuess.objects.bulk_create(
        [EnrolmentGuess(address=address, hour_at=hour_at)], ignore_conflicts=True
    )
    return EnrolmentGuess.objects.select_for_update().get(address=address, hour_at=hour_at)


def _spend(code: str, at: datetime) -> EnrolledTerminal | None:
    active = Q(
        terminal__state=State.ACTIVE,
        terminal__store__state=State.ACTIVE,
        terminal__store__merchant__state=State.ACTIVE,
    )
    found = (
        EnrolmentCode.objects.select_related("terminal__store__merchant")
        .select_for_update(of=("self",))
        .filter(active, code_sha256=_sha256(code), used_at=None, expires_at__gt=at)
        .first()
    )
    if found is None:
        return None
    held = list(
        Credential.objects.select_for_update(no_key=True)
        .filter(kind=Credential.Kind.TERMINAL, terminal_id=found.terminal_id, is_test=found.is_test)
        .order_by("id")
    )
    known = next((credential for credential in held if credential.state == State.ACTIVE), None)
    is_suspended = any(credential.state == State.SUSPENDED for credential in held)
    # A till that was stopped must not get a working key by being enrolled again.
    if is_suspended or (held and known is None):
        return None
    found.used_at = at
    found.save(update_fields=["used_at"])
    credential, key_text = _key_for(found, known, at)
    return EnrolledTerminal(key_text, found.terminal, credential)


def _key_for(
    found: EnrolmentCode, known: Credential | None, at: datetime
) -> tuple[Credential, str]:
    """Of the credential that the terminal has, or of a new one."""
    terminal = found.terminal
    if known is None:
        return issue_credential(
            name=f"{terminal.store.external_id}/{terminal.code}",
            kind=Credential.Kind.TERMINAL,
            scopes=found.scopes,
            terminal=terminal,
            is_test=found.is_test,
            at=at,
        )
    known.scopes = found.scopes
    known.save(update_fields=["scopes"])
    return known, rotate_key(credential=known, overlap_s=0, at=at)


def _sha256(code: str) -> bytes:
    """Of the code as it was made, however it was typed, in full width too."""
    plain = unicodedata.normalize("NFKC", code).upper().translate(LOOKALIKES)
    return hashlib.sha256("".join(plain.split()).encode()).digest()
