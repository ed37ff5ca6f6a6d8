"""One presented code at many tills in the same moment: one of them gets it, and nobody afterwards.

After every race the redemption is voided and the code is raced again, so that not the voucher's
state but the code itself has to refuse. The control looks whether the code has been paid for, and
pays: it pays twice.
"""

from collections.abc import Callable
from functools import partial

import pytest
from django.db import transaction

from tests.support import cast
from tests.support.cast import NOON
from tests.support.concurrency import naive
from tests.support.concurrency.invariants import assert_proven, spent_fen
from tests.support.concurrency.threads import at_once
from tests.support.presenting import presented, shown
from tests.support.till import decoded, issue_vouchers, till_of, voided
from vouchers.models import Campaign, Presentation, Redemption, Voucher
from vouchers.states import TransferReason

pytestmark = pytest.mark.django_db(transaction=True)

TILLS = 8
CODES = 6
FACE_FEN = 2_000

Spend = Callable[[str, int], bool]


@pytest.fixture
def campaign() -> Campaign:
    return cast.running_campaign(limits={})


def race(campaign: Campaign, spend: Spend) -> list[int]:
    """Show each code at every till at once; how many tills said yes, code by code."""
    vouchers = issue_vouchers(campaign, [cast.alice()] * CODES)
    codes = [presented(voucher, cast.alice()) for voucher in vouchers]
    return [sum(at_once([partial(spend, code, till) for till in range(TILLS)])) for code in codes]


def spend(code: str, till: int) -> bool:
    """The engine, asked by one till, which voids at once what it was given."""
    store = (cast.nanjing_road(), cast.xujiahui())[till % 2]
    caller = till_of(store, credential_id=till)
    answer = shown(code, store, caller=caller)
    assert answer.status in {201, 404, 409}, answer.body
    if answer.status == 201:
        redemption = Redemption.objects.get(pk=decoded(answer)[1]["id"])
        assert voided(redemption, caller=caller, at=NOON).status == 200
    return answer.status == 201


def spend_naively(code: str, till: int) -> bool:
    """Look, pay: every step right by itself."""
    row = Presentation.objects.get(pk=int(code[1:11]))
    if naive.has_moved(TransferReason.REDEEM, cause_id=row.pk):
        return False
    with transaction.atomic():
        naive.pay_face(Voucher.objects.get(pk=row.voucher_id), cause_id=row.pk)
    return True


def test_control_who_only_looks_whether_it_is_used_takes_it_many_times(campaign: Campaign) -> None:
    yes = race(campaign, spend_naively)
    assert max(yes) > 1, "the tills never met: the race below would prove nothing"
    assert spent_fen(campaign) == sum(yes) * FACE_FEN > CODES * FACE_FEN


def test_exactly_one_till_redeems_it_although_the_voucher_comes_back(campaign: Campaign) -> None:
    assert race(campaign, spend) == [1] * CODES
    assert Presentation.objects.exclude(redemption_id=None).count() == CODES
    assert Voucher.objects.filter(state=1).count() == CODES
    assert_proven()
