"""Look-ups of the hotline: what is found by what the caller has in hand, and the line it leaves."""

from datetime import date

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import NOON
from tests.support.history import in_words
from tests.support.till import answer_to, issue_vouchers, order
from vouchers.models import Campaign, Resident, Voucher
from vouchers.rules.issuing.codes import encode
from vouchers.services.hotline import FoundBy, look_up

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Voucher:
    """Alice's voucher, redeemed on order A-7; Carol has one too."""
    campaign = cast.running_campaign()
    alices, _carols = issue_vouchers(campaign, [cast.alice(), cast.carol()])
    status, body = answer_to(order(alices, cast.nanjing_road(), cast.alice(), order_no="A-7"))
    assert status == 201, body
    return alices


def found(
    found_by: FoundBy, number: str, day: date | None = None, by: User | None = None
) -> list[int]:
    rows = look_up(
        found_by=found_by,
        number=number,
        business_day=day,
        reason="call 4711",
        by=by or cast.mei(),
        at=NOON,
    )
    return [row.pk for row in rows]


def test_a_voucher_is_found_by_its_printed_code_as_it_is_read_out(standing: Voucher) -> None:
    code = encode(standing.pk, settings.HUIMIN_CODE_KEY)
    assert found(FoundBy.VOUCHER, f" {code[:4]}-{code[4:12]} {code[12:]} ") == [standing.pk]
    assert found(FoundBy.VOUCHER, str(standing)) == [standing.pk]


def test_a_code_with_a_wrong_digit_finds_nothing(standing: Voucher) -> None:
    code = encode(standing.pk, settings.HUIMIN_CODE_KEY)
    wrong = str((int(code[-1]) + 1) % 10)
    assert found(FoundBy.VOUCHER, code[:-1] + wrong) == []


def test_vouchers_are_found_by_their_holder(standing: Voucher) -> None:
    assert found(FoundBy.RESIDENT, "alice") == [standing.pk]
    assert len(found(FoundBy.RESIDENT, "carol")) == 1
    assert found(FoundBy.RESIDENT, "bob") == []


def test_an_order_is_found_on_its_day_alone_in_either_case(standing: Voucher) -> None:
    assert found(FoundBy.ORDER, "a-7", date(2026, 4, 1)) == [standing.pk]
    assert found(FoundBy.ORDER, "A-7", date(2026, 4, 2)) == []
    assert found(FoundBy.RECEIPT, "A-7", date(2026, 4, 1)) == []


def test_who_looks_up_for_a_street_finds_its_residents_alone(standing: Voucher) -> None:
    lon, lat = cast.PEOPLES_SQUARE
    street = cast.street([(lon, lat), (lon + 0.01, lat), (lon, lat + 0.01), (lon, lat)])
    wei = cast.grant(User.objects.create_user("wei", is_staff=True), "auditor", where=street)
    assert found(FoundBy.RESIDENT, "alice", by=wei) == []
    Resident.objects.filter(external_id="alice").update(street="外滩")
    assert found(FoundBy.RESIDENT, "alice", by=wei) == [standing.pk]
    assert found(FoundBy.RESIDENT, "carol", by=wei) == []


def test_every_look_up_leaves_a_line_with_its_reason(standing: Voucher) -> None:
    found(FoundBy.RESIDENT, "alice")
    alice = Resident.objects.get(external_id="alice")
    line = LogEntry.objects.filter(object_id=str(alice.pk)).latest("id")
    assert (line.user.get_username(), line.action_time) == ("mei", NOON)
    assert in_words(line) == "Looked up by resident no.: call 4711"
    found(FoundBy.RESIDENT, "nobody")
    assert LogEntry.objects.filter(object_repr="nobody").count() == 1


def test_without_the_permission_nothing_is_found_nor_written(standing: Voucher) -> None:
    stranger = User.objects.create_user("stranger", is_staff=True)
    with pytest.raises(Refused, match="not_permitted"):
        look_up(
            found_by=FoundBy.RESIDENT,
            number="alice",
            business_day=None,
            reason="curious",
            by=stranger,
            at=NOON,
        )
    assert not LogEntry.objects.filter(user=stranger).exists()
    assert Campaign.objects.exists()
