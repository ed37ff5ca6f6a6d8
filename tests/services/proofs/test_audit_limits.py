"""The audit recounts every limit: each kind's counters, and the links a redemption was counted for.

One book is built by the services on the owner's connection and never committed; each case spoils it
inside a savepoint, with the guards of the database switched off.
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection, transaction
from pytest_django.plugin import DjangoDbBlocker

from tests.support import cast
from tests.support.books import as_owner, spoil
from tests.support.cast import DAY, NOON
from tests.support.claims import asking, claimed, grab, neighbours, statuses
from tests.support.till import (
    answer_to,
    authorised,
    issue_vouchers,
    order,
    refunded,
    till_of,
    voided,
)
from vouchers.models import Campaign, LimitCounter, Link, Redemption
from vouchers.queries.proofs.audit.limits import LIMIT_CHECKS
from vouchers.rules.limits.limits import OF_CLAIMS
from vouchers.services.proofs.audit import audit
from vouchers.services.residents.identity import keyed_hash
from vouchers.states import LimitKind

HOUR = timedelta(hours=1)
NAMES = {check.name for check in LIMIT_CHECKS}
CORRUPTIONS = {
    **{
        f"a counter {kind.name.lower()} has forgotten a redemption": (
            (
                f"UPDATE vouchers_limitcounter SET used_count = used_count - 1"
                f" WHERE kind = {kind.value} AND used_count > 0"
            ),
            {"counters_are_their_rows"},
        )
        for kind in LimitKind
    },
    **{
        f"a counter {kind.name.lower()} has forgotten a fen": (
            (
                f"UPDATE vouchers_limitcounter SET used_fen = used_fen - 1"
                f" WHERE kind = {kind.value} AND used_fen > 0"
            ),
            {"counters_are_their_rows"},
        )
        for kind in (LimitKind.STORE_CAMPAIGN, LimitKind.LINK_WEEK, LimitKind.CLAIM_WEEK)
    },
    "a claim has lost its links": (
        "UPDATE vouchers_claim SET links = NULL WHERE number = 1",
        {"counters_are_their_rows"},
    ),
    "a device claimed more than it may": (
        "UPDATE vouchers_limitrule SET limit_count = 1 WHERE kind = 15",
        {"link_limits"},
    ),
    "a redemption has lost one of its links": (
        "UPDATE vouchers_redemption SET links = links[2:] WHERE cardinality(links) > 1",
        {"counters_are_their_rows"},
    ),
    "a redemption has exchanged a link for another resident's": (
        "UPDATE vouchers_redemption SET links[1] = links[1] + 1 WHERE cardinality(links) > 1",
        {"counters_are_their_rows"},
    ),
    "a redemption has lost all of its links": (
        "UPDATE vouchers_redemption SET links = NULL WHERE state = 3",
        {"links_noted"},
    ),
    "a link is noted twice": (
        "UPDATE vouchers_redemption SET links = links || links WHERE state = 3",
        {"links_noted"},
    ),
    "a campaign without limits on links notes some": (
        "DELETE FROM vouchers_limitrule WHERE kind IN (8, 9, 13)",
        {"links_noted", "counters_are_their_rows"},
    ),
    "a device was used more than it may be": (
        "UPDATE vouchers_limitrule SET limit_count = 1 WHERE kind = 13",
        {"link_limits"},
    ),
    "a store sold more in a week than it may": (
        "UPDATE vouchers_limitrule SET limit_count = 1 WHERE kind = 10",
        {"store_limits"},
    ),
    "a merchant sold for more in a week than it may": (
        "UPDATE vouchers_limitrule SET limit_fen = 1 WHERE kind = 12",
        {"store_limits"},
    ),
    "a refund called back more than was taken off the counters": (
        "UPDATE vouchers_refund SET clawback_fen = clawback_fen + 1 WHERE clawback_fen = 1000",
        {"counters_are_their_rows"},
    ),
}


@pytest.fixture(scope="module")
def whole_book(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Campaign]:
    with django_db_blocker.unblock(), as_owner(), transaction.atomic():
        yield book_of_every_limit()
        transaction.set_rollback(True)


@pytest.fixture
def book(whole_book: Campaign) -> Iterator[Campaign]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            # No trigger may be switched off while deferred ones wait.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        yield whole_book
        transaction.set_rollback(True)


def book_of_every_limit() -> Campaign:
    """Two residents with links and a shared device: used, authorised, voided, refunded in part and
    whole, under limits of every kind."""
    campaign = cast.running_campaign(limits=dict.fromkeys(LimitKind, 20))
    alice, carol, here = cast.alice(), cast.carol(), cast.nanjing_road()
    for person, kind in ((alice, "phone"), (alice, "card"), (carol, "account")):
        Link.objects.create(
            resident=person,
            bucket=person.bucket,
            kind=kind,
            value_hmac=keyed_hash(kind, person.external_id.upper()),
            first_seen_at=NOON - DAY,
            last_seen_at=NOON - DAY,
        )
    vouchers = issue_vouchers(campaign, [alice, alice, carol, carol, alice])
    made = []
    for voucher, person in zip(vouchers[:4], (alice, alice, carol, carol), strict=True):
        request = order(voucher, here, person, at=NOON + HOUR, amount_fen=42_000, device="shared")
        assert answer_to(request)[0] == 201
        made.append(Redemption.objects.latest("id"))
    authorised(vouchers[4], here, alice, at=NOON + HOUR)
    till, later = till_of(here), NOON + 2 * HOUR
    assert voided(made[1], caller=till, at=later).status == 200
    assert refunded(made[2], caller=till, at=later, amount_fen=20_000).status < 300
    assert refunded(made[3], caller=till, at=later).status < 300
    claimed_on_one_device()
    return campaign


def claimed_on_one_device() -> None:
    """Two residents' vouchers, claimed on one telephone."""
    campaign = grab(limits=dict.fromkeys(sorted(OF_CLAIMS), 20))
    asked = [asking(each, campaign, device="shared") for each in neighbours(2)]
    assert statuses(claimed(asked)) == [201, 201]


def broken() -> set[str]:
    """The checks of limits that find something."""
    report = audit(at=NOON + DAY, seed=1)
    return {finding.name for finding in report.findings if finding.broken_count} & NAMES


def test_an_honest_book_of_every_limit_is_recounted_to_the_fen(book: Campaign) -> None:
    assert broken() == set()
    kinds = set(LimitCounter.objects.values_list("kind", flat=True))
    assert kinds == set(LimitKind)


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_a_corruption_about_a_limit_is_found_by_the_checks_it_breaks(
    book: Campaign, corruption: str
) -> None:
    statement, expected = CORRUPTIONS[corruption]
    spoil(statement)
    assert broken() == expected
