"""Orders on both sides of midnight in the same moment: each counts in its own day, and once."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import partial
from itertools import chain

import pytest

from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.concurrency.invariants import assert_proven, live_fen, spent_fen
from tests.support.concurrency.threads import at_once
from tests.support.till import decoded, issue_vouchers, order, redeem
from vouchers.models import Campaign, LimitCounter, Redemption, SettlementLine
from vouchers.rules.limits.limits import business_day
from vouchers.services.redemption import RedeemRequest
from vouchers.services.settlement.days import settle_day
from vouchers.states import LimitKind

pytestmark = pytest.mark.django_db(transaction=True)

CROWD = 16
BATCH = 4
LIMIT = 3
FACE_FEN = 2_000
MIDNIGHT = NOON + DAY / 2
"""In Shanghai, where it is afternoon by UTC."""
LAST_INSTANT = MIDNIGHT - timedelta(microseconds=1)
TODAY, TOMORROW = date(2026, 4, 1), date(2026, 4, 2)


def crowd(campaign: Campaign) -> list[RedeemRequest]:
    """Orders of Alice's, by turns in the last instant of a day and in the first of the next."""
    return [
        order(voucher, cast.nanjing_road(), cast.alice(), at=MIDNIGHT if n % 2 else LAST_INSTANT)
        for n, voucher in enumerate(issue_vouchers(campaign, [cast.alice()] * CROWD))
    ]


def day_of(request: RedeemRequest) -> date:
    return business_day(request.at, "Asia/Shanghai")


def verdicts(requests: Sequence[RedeemRequest]) -> list[tuple[date, str]]:
    """By order of a batch its day, and its refusal's code or "201"."""
    answers = redeem(requests=requests)
    codes = [str(decoded(answer)[1].get("code", "201")) for answer in answers]
    return list(zip(map(day_of, requests), codes, strict=True))


def batches(requests: Sequence[RedeemRequest]) -> list[Callable[[], list[tuple[date, str]]]]:
    """The orders in batches of both days, to be sent at once."""
    chunks = [requests[start : start + BATCH] for start in range(0, len(requests), BATCH)]
    return [partial(verdicts, chunk) for chunk in chunks]


def test_each_of_two_days_gives_exactly_its_limit() -> None:
    campaign = cast.running_campaign(limits={LimitKind.RESIDENT_DAY: LIMIT})
    refused = CROWD // 2 - LIMIT
    answered = at_once(batches(crowd(campaign)))
    assert Counter(chain.from_iterable(answered)) == {
        (day, code): count
        for day in (TODAY, TOMORROW)
        for code, count in (("201", LIMIT), ("resident_limit", refused))
    }
    assert [row.used_count for row in LimitCounter.objects.all()] == [LIMIT, LIMIT]
    assert spent_fen(campaign) == 2 * LIMIT * FACE_FEN
    assert_proven()


def redeem_naively(request: RedeemRequest) -> tuple[date, str]:
    """Count the day's redemptions, decide, redeem: every step right by itself."""
    day = day_of(request)
    if Redemption.objects.filter(business_day=day).count() >= LIMIT:
        return day, "resident_limit"
    return verdicts([request])[0]


def test_control_who_counts_before_redeeming_lets_too_many_through_on_both_days() -> None:
    campaign = cast.running_campaign(limits={})
    answered = Counter(at_once([partial(redeem_naively, each) for each in crowd(campaign)]))
    assert answered[TODAY, "201"] > LIMIT, "the tills never met: the races would prove nothing"
    assert answered[TOMORROW, "201"] > LIMIT, "the tills never met: the races would prove nothing"


def test_what_is_redeemed_while_its_day_is_closed_is_settled_once() -> None:
    """Today's settlement takes what it finds of today, tomorrow's the rest of it; of tomorrow's
    orders today's settlement takes none."""
    campaign = cast.running_campaign(limits={}, funding=cast.CO_FUNDED)
    close = partial(settle_day, campaign=campaign, business_day=TODAY, at=MIDNIGHT)
    there_before, *sent = batches(crowd(campaign))
    there_before()
    acts: list[Callable[[], object]] = [*sent, close, close]
    at_once(acts)
    early = SettlementLine.objects.filter(settlement__business_day=TODAY)
    assert not early.filter(redemption__business_day=TOMORROW).exists()
    settle_day(campaign=campaign, business_day=TOMORROW, at=MIDNIGHT)
    lines = Counter(SettlementLine.objects.values_list("redemption_id", "source__code"))
    ids = Redemption.objects.values_list("id", flat=True)
    assert lines == {(id_, source): 1 for id_ in ids for source in cast.CO_FUNDED}
    assert live_fen(campaign) == CROWD * FACE_FEN
    assert_proven()
