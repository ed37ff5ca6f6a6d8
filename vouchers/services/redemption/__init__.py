"""Redeeming and undoing: facts → judge → effects, one transaction for a batch of requests."""

from vouchers.services.redemption.redeem import redeem
from vouchers.services.redemption.void import VoidRequest, void

__all__ = ["VoidRequest", "redeem", "void"]
