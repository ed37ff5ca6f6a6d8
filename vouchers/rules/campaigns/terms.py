"""The terms of a campaign as they are judged, and the document that an approval binds to. Pure.

The frozen document and its hash are made here: what is approved is exactly these bytes.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from vouchers.states import (
    LimitKind,
    RefundPolicy,
    SelectionMethod,
    TierKind,
)

INVALID: Final = "terms_invalid"
"""The code of faults without one of their own; `rule` names the fault."""
DATES_CROSS: Final = "dates_cross"
CELLS_DO_NOT_NEST: Final = "cells_do_not_nest"


@dataclass(frozen=True, slots=True)
class TierTerms:
    """A tier; `shares_fen` is what each source (by code) pays of the face."""

    code: str
    kind: TierKind
    face_fen: int
    threshold_fen: int
    percent_bp: int | None
    shares_fen: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RingTerms:
    """A distance ring, in metres."""

    label: str
    from_m: int
    to_m: int


@dataclass(frozen=True, slots=True)
class RoundTerms:
    """A round's half-open period."""

    number: int
    opens_at: datetime
    closes_at: datetime


@dataclass(frozen=True, slots=True)
class LimitTerms:
    """An exact limit; None is unlimited."""

    kind: LimitKind
    limit_count: int | None
    limit_fen: int | None


@dataclass(frozen=True, slots=True)
class CellTerms:
    """A quota cell: the (dimension, value) pairs of its slice and its caps; None is unlimited."""

    slice: frozenset[tuple[str, str]]
    cap_fen: int | None
    cap_count: int | None

    @property
    def name(self) -> str:
        """The slice as one readable line, dimensions in alphabetical order."""
        return ", ".join(f"{dimension}={value}" for dimension, value in sorted(self.slice))


@dataclass(frozen=True, slots=True)
class Terms:
    """What is judged of a campaign before it is submitted. An option that the declaration names is
    read by its name."""

    starts_at: datetime
    ends_at: datetime
    validity_s: int
    radii_m: tuple[int, ...]
    """The campaign's radius first, then every store's own."""
    store_count: int
    point_kinds: tuple[str, ...]
    appropriated_fen: Mapping[str, int]
    """By source code."""
    currency: str = "CNY"
    refund_policy: str = RefundPolicy.RETURN.value
    authorise_ttl_s: int = 900
    anchor_recipients: tuple[str, ...] = ()
    audience_filter: Mapping[str, Any] = field(default_factory=dict)
    selection_method: str = SelectionMethod.NEAREST.value
    need_weights: Mapping[str, Any] = field(default_factory=dict)
    senior_share_bp: int = 0
    small_shop_share_bp: int = 0
    hold_out_bp: int = 0
    tiers: tuple[TierTerms, ...] = ()
    rings: tuple[RingTerms, ...] = ()
    rounds: tuple[RoundTerms, ...] = ()
    limits: tuple[LimitTerms, ...] = ()
    cells: tuple[CellTerms, ...] = ()
    areas: tuple[Mapping[str, Any], ...] = ()
    """GeoJSON of the polygons that widen the stores' circles."""


def written(at: datetime) -> str:
    """An instant as documents write it: ISO 8601, UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def canonical_json(document: Any) -> bytes:
    """The one spelling of a JSON value: sorted keys, no spaces, UTF-8, no NaN."""
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def terms_sha256(document: Mapping[str, Any]) -> bytes:
    """SHA-256 of the document's canonical JSON: what an approver binds to."""
    return hashlib.sha256(canonical_json(document)).digest()
