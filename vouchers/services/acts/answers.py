"""What every act takes and gives: a request under a key, and the answer stored under it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from merchants.auth import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRequest:
    """An act asked for: the caller, the idempotency key, SHA-256 of the request, arrival time."""

    caller: Caller
    key: str
    fingerprint: bytes
    at: datetime

    @property
    def signature(self) -> str:
        """The caller, where a row names who acted."""
        return f"key {self.caller.credential_id}"


class Answer(NamedTuple):
    """A rendered outcome as it is stored under a key; `is_replay`: it was given before."""

    status: int
    body: bytes
    is_replay: bool = False


Render = Callable[[Any], Answer]
"""From an act's outcome, or a `Refusal`, to the answer of the interface; pure.

The edges hand it to the services, so that the rendered bytes are committed with the effect.
"""
