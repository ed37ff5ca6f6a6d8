"""What can be claimed, and how a claimed voucher reads to a channel."""

from datetime import datetime
from typing import Literal

import msgspec


class ClaimDetails(msgspec.Struct, frozen=True):
    """A voucher that has been claimed; `claim` is the claim's own number."""

    claim: int
    voucher: str
    campaign: str
    tier: str
    round: int
    face_fen: int
    threshold_fen: int
    valid_from_at: datetime
    valid_until_at: datetime
    claimed_at: datetime


OfferState = Literal["coming", "open", "paused", "sold_out", "claimed", "not_for_you"]


class OfferDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tier that can be claimed in a round, to one resident at one moment; `reason` says why it is
    not for them. A promise of nothing."""

    tier: str
    name: str
    campaign: str
    round: int
    face_fen: int
    threshold_fen: int
    opens_at: datetime
    closes_at: datetime
    state: OfferState
    needs_position: bool
    left_for_resident: int
    reason: str = ""
