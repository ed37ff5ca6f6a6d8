"""Claims (领取): vouchers made for who asks for them first."""

from vouchers.services.claims.claim import claim
from vouchers.services.claims.requests import ClaimOrder, ClaimRequest, Position
from vouchers.services.claims.tranches import open_coming

__all__ = ["ClaimOrder", "ClaimRequest", "Position", "claim", "open_coming"]
