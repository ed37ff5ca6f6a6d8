"""The rules of the books, restated for the verifier."""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Final

APPROPRIATED: Final = "appropriated"
FREE: Final = "free"
IN_HAND: Final = frozenset({APPROPRIATED, FREE})
"""Where money is that no voucher has taken."""

ISSUED, AUTHORISED, REDEEMED, WITHDRAWN = 1, 2, 3, 4
"""States of a voucher."""
R_AUTHORISED, R_CAPTURED, R_VOIDED, R_REVERSED, R_REFUNDED = 1, 2, 3, 4, 5
"""States of a redemption."""
LIVE: Final = (R_AUTHORISED, R_CAPTURED)

Arrow = tuple[str, str]


def _moves(origins: Iterable[str], targets: Iterable[str]) -> frozenset[Arrow]:
    return frozenset(product(origins, targets))


_HAND = ("outstanding", "free")
_OWED = ("payable", "risk_held")
_UNDO = _moves(("authorised", *_OWED), _HAND)

ARROWS: Final[Mapping[str, frozenset[Arrow]]] = {
    "appropriate": _moves(["appropriated"], ["free"]),
    "cut": _moves(["free"], ["appropriated"]),
    "reserve": _moves(["free"], ["reserved"]),
    "release": _moves(["reserved"], ["free"]),
    "mint": _moves(["reserved"], ["outstanding"]),
    "claim": _moves(["free"], ["outstanding"]),
    "authorise": _moves(["outstanding"], ["authorised"]),
    "capture": _moves(["authorised"], ["payable", *_HAND]),
    "lapse": _moves(["authorised"], _HAND),
    "redeem": _moves(["outstanding"], ["payable"]),
    "void": _UNDO,
    "reverse": _UNDO,
    "refund": _moves(_OWED, _HAND) | _moves(["outstanding"], ["free"]),
    "expire": _moves(["outstanding"], ["free"]),
    "hold": _moves(["payable"], ["risk_held"]),
    "unhold": _moves(["risk_held"], ["payable"]),
    "settle": _moves(["payable"], ["settled"]),
    "recover": _moves(["payable", "settled"], ["recoverable"]),
    "reissue": _moves(["free"], ["outstanding"]),
    "net": _moves(["recoverable"], ["free"]),
    "collect": _moves(["recoverable"], ["free"]),
    "repay": _moves(["free"], ["repaid"]),
}
"""Between which accounts (from, to) each reason may move money."""

CAUSES: Final[Mapping[str, frozenset[str]]] = {
    "appropriate": frozenset({"source", "proposal"}),
    "cut": frozenset({"source", "proposal"}),
    "reserve": frozenset({"run"}),
    "release": frozenset({"shard"}),
    "mint": frozenset({"shard"}),
    "claim": frozenset({"tranche"}),
    "authorise": frozenset({"redemption"}),
    "capture": frozenset({"redemption"}),
    "lapse": frozenset({"redemption"}),
    "redeem": frozenset({"redemption"}),
    "void": frozenset({"redemption"}),
    "reverse": frozenset({"redemption"}),
    "refund": frozenset({"refund"}),
    "expire": frozenset({"tranche"}),
    "hold": frozenset({"hold"}),
    "unhold": frozenset({"hold"}),
    "settle": frozenset({"settlement"}),
    "recover": frozenset({"refund"}),
    "reissue": frozenset({"refund"}),
    "net": frozenset({"settlement"}),
    "collect": frozenset({"collection"}),
    "repay": frozenset({"proposal"}),
}
"""What each reason refers to."""

WHOLE_SOURCE: Final = frozenset({"appropriate", "cut", "repay"})
"""Reasons that move a source's money as a whole, without an allocation."""

FILES: Final = (
    "campaign", "terms", "approvals", "edits", "proposals", "signatures", "decisions", "users",
    "grants", "role_changes", "staff_log", "sources", "cash_receipts", "accounts", "tiers",
    "rounds", "limit_rules", "cells", "allocations", "seals", "merchants", "stores",
    "store_locations", "participations", "runs", "audience", "tranches", "vouchers", "claims",
    "exclusions", "merges", "proxies", "redemptions", "refunds", "refund_parts", "holds",
    "signals", "attempts", "counters", "settlements", "settlement_lines", "collections",
    "collection_lines", "cases", "case_signals", "case_acts", "setup_changes", "journal", "shards",
    "findings",
)  # fmt: skip
"""Every pack has these."""
