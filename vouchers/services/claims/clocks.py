"""Claims and offers of the sandbox happen at the time of their campaign; live ones are left as they
are, at the cost of no query."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from vouchers.models.claims import OfferRow
from vouchers.services.claims.requests import ClaimRequest
from vouchers.services.sandbox import ahead_of_campaigns

NO_MOVE = timedelta(0)


def at_campaign_time(requests: Sequence[ClaimRequest]) -> Sequence[ClaimRequest]:
    """Claims of the sandbox, each at the time of the campaign it names."""
    codes = {request.campaign for request in requests if request.caller.is_test}
    ahead = ahead_of_campaigns(codes) if codes else {}
    if not ahead:
        return requests
    return [
        replace(request, at=request.at + ahead.get(request.campaign, NO_MOVE))
        if request.caller.is_test
        else request
        for request in requests
    ]


def timed_offers(
    rows: Sequence[OfferRow], *, is_test: bool, at: datetime
) -> list[tuple[OfferRow, datetime]]:
    """Offers that are not over, each with its campaign's time at the real instant `at`."""
    ahead = ahead_of_campaigns({row.campaign for row in rows}) if is_test else {}
    timed = [(row, at + ahead.get(row.campaign, NO_MOVE)) for row in rows]
    return [(row, now) for row, now in timed if now < row.closes_at]
