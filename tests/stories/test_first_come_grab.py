"""First-come grab: ten o'clock sharp, most lose, each hears so at once, and every unit is used.

Two platforms' apps send their residents' claims in batches, as the lanes of two processes would.
The city then enlarges the round; those who kept asking under one key get what came back.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import chain

import pytest

from tests.support import cast
from tests.support.cast import NOON
from tests.support.claims import TEN, app, asking, claimed, grab, neighbours, refusal
from tests.support.concurrency.invariants import assert_proven, totals_fen
from tests.support.concurrency.threads import at_once
from tests.support.till import answer_to, decoded, order
from vouchers.models import Campaign, Claim, Tranche
from vouchers.services.acts import Answer
from vouchers.services.campaigns import proposals
from vouchers.services.claims import ClaimRequest
from vouchers.services.issuing.expiry import expire_due
from vouchers.states import AccountKind

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_client"),
]

UNITS, MORE, CROWD, BATCH = 40, 3, 160, 20
FACE_FEN = 2_000
SECOND = timedelta(seconds=1)


def enlarge(campaign: Campaign, *, by_units: int) -> None:
    """The round's quota raised by what the city has left, as Mei proposes and Li approves."""
    cell = campaign.cells.get(round__isnull=False)
    change = {
        "cell": cell.pk,
        "expected": {"fen": None, "count": cell.cap_count},
        "target": {"fen": None, "count": (cell.cap_count or 0) + by_units},
    }
    proposal = proposals.propose_quotas(
        campaign=campaign,
        changes=[change],
        why="more",
        request_id="enlarge",
        by=cast.mei(),
        at=TEN,
    )
    cast.approved(proposal, at=TEN)


def rush(requests: Sequence[ClaimRequest]) -> list[Answer]:
    """The answers to all, sent at the same moment in batches."""
    batches = [requests[n : n + BATCH] for n in range(0, len(requests), BATCH)]
    return list(chain.from_iterable(at_once([partial(claimed, batch) for batch in batches])))


def test_a_grab_from_opening_to_expiry() -> None:
    campaign = grab(units=UNITS, bucket_count=4)
    people = neighbours(CROWD)
    apps = [app("alipay"), app("wechat")]

    def wish(number: int, at: datetime = TEN) -> ClaimRequest:
        caller, key = apps[number % 2], f"wish-{number}"
        return asking(people[number], campaign, key=key, caller=caller, at=at)

    early = refusal(wish(0, TEN - SECOND))
    assert early == ("campaign_not_running", "round_not_open")

    answers = rush([wish(number) for number in range(CROWD)])
    heard = Counter(answer.status for answer in answers)
    assert heard == {201: UNITS, 409: CROWD - UNITS}
    assert {decoded(it)[1]["code"] for it in answers if it.status == 409} == {"sold_out"}
    assert totals_fen(campaign)[AccountKind.OUTSTANDING] == UNITS * FACE_FEN
    assert_proven()

    again = rush([wish(number) for number in range(CROWD)])
    assert [it.body for it in again if it.status == 201] == [
        it.body for it in answers if it.status == 201
    ]

    enlarge(campaign, by_units=MORE)
    late = rush([wish(number) for number in range(CROWD)])
    assert Counter(answer.status for answer in late)[201] == UNITS + MORE
    assert Claim.objects.count() == UNITS + MORE

    winner = next(number for number, answer in enumerate(answers) if answer.status == 201)
    code = decoded(answers[winner])[1]["voucher"]
    status, body = answer_to(order(code, cast.nanjing_road(), people[winner], at=NOON))
    assert status == 201, body

    end_at = Tranche.objects.get().valid_until_at
    assert expire_due(at=end_at) == UNITS + MORE - 1
    assert totals_fen(campaign)[AccountKind.OUTSTANDING] == 0
    assert totals_fen(campaign)[AccountKind.PAYABLE] == FACE_FEN
    assert_proven()
