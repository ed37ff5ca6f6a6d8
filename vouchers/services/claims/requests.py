"""What a channel asks for on behalf of a resident: parsed and within its bounds."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple

import msgspec
from msgspec import Meta

from vouchers.services.acts import ActRequest

Degrees = Annotated[float, Meta(ge=-180, le=180)]


class ClaimOrder(msgspec.Struct, frozen=True, gc=False):
    """Who claims which voucher, on which device, and where they are. `tier` is an offer's:
    campaign/tier; `proxy` the resident who claims for them, if they do not do so themselves."""

    resident: Annotated[str, Meta(min_length=1, max_length=64)]
    tier: Annotated[str, Meta(min_length=3, max_length=61)]
    longitude: Degrees | None = None
    latitude: Degrees | None = None
    datum: Annotated[str, Meta(max_length=20)] = ""
    device: Annotated[str, Meta(max_length=80)] = ""
    proxy: Annotated[str, Meta(max_length=64)] = ""

    references: ClassVar = ("resident", "tier", "device", "proxy")


class Position(NamedTuple):
    """Where a resident is, WGS-84."""

    longitude_deg: float
    latitude_deg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRequest(ActRequest):
    """A claim asked for (领取)."""

    resident: str
    campaign: str
    tier: str
    position: Position | None = None
    device: str = ""
    # The number of who claims for the resident; empty where they do so themselves.
    proxy: str = ""
