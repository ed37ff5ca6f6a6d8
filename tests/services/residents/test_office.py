"""What an officer records for a resident: only with the right to, and the history says who."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from merchants.errors import Refused
from tests.support import cast
from tests.support.history import in_words
from vouchers.models import Consent, Link, Proxy, Resident
from vouchers.services import residents

pytestmark = pytest.mark.django_db

LATER = cast.NOON + timedelta(days=1)
TARGETING = Consent.Purpose.TARGETING
DEVICE = Link.Kind.DEVICE


def proxy_of(alice: Resident) -> Proxy:
    return residents.declare_proxy(holder=alice, proxy=cast.bob(), relation="son", at=cast.NOON)


def link_of(alice: Resident) -> Link:
    return Link.objects.create(
        resident=alice,
        bucket=alice.bucket,
        kind=DEVICE,
        value_hmac=bytes(32),
        first_seen_at=cast.NOON,
        last_seen_at=cast.NOON,
    )


ACTS: dict[str, Callable[[Resident, User], object]] = {
    "Consent to targeting by place given, text v9": lambda alice, by: residents.record_consent(
        resident=alice, text_version="v9", purpose=TARGETING, by=by, at=LATER
    ),
    "Consent to targeting by place withdrawn": lambda alice, by: residents.record_withdrawal(
        resident=alice, purpose=TARGETING, by=by, at=LATER
    ),
    "Resident bob declared as proxy": lambda alice, by: residents.record_proxy(
        holder=alice, proxy=cast.bob(), relation="son", by=by, at=LATER
    ),
    "Resident bob no longer a proxy": lambda alice, by: residents.record_proxy_ended(
        proxy=proxy_of(alice), by=by, at=LATER
    ),
    "Link seen: device": lambda alice, by: residents.link(
        resident=alice, kind=DEVICE, value="d-1", by=by, at=LATER
    ),
    "Link ended: device": lambda alice, by: residents.end_link(
        link=link_of(alice), by=by, at=LATER
    ),
}
"""By the line of history that each writes."""


def _dashed(line: str) -> str:
    return line.replace(" ", "-")


@pytest.mark.parametrize("line", ACTS, ids=_dashed)
def test_the_history_says_who_did_it_and_when(line: str) -> None:
    ACTS[line](cast.alice(), cast.ren())
    entry = LogEntry.objects.get()
    assert (entry.user.get_username(), entry.action_time, entry.object_id) == (
        "ren",
        LATER,
        str(cast.alice().pk),
    )
    assert in_words(entry) == line


@pytest.mark.parametrize("line", ACTS, ids=_dashed)
def test_who_may_not_changes_nothing(line: str) -> None:
    alice = cast.alice()
    with pytest.raises(Refused, match="not_permitted"):
        ACTS[line](alice, cast.member("ann", "auditor"))
    assert not LogEntry.objects.exists()
    assert Consent.objects.get(resident=alice).withdrawn_at is None
    assert not Proxy.objects.exclude(ended_at=None).exists()
    assert not Link.objects.exclude(last_seen_at=cast.NOON, ended_at=None).exists()


def test_what_had_ended_before_adds_no_line() -> None:
    alice, ren = cast.alice(), cast.ren()
    proxy = proxy_of(alice)
    for is_first in (True, False):
        assert residents.record_proxy_ended(proxy=proxy, by=ren, at=LATER) is is_first
        assert (
            residents.record_withdrawal(resident=alice, purpose=TARGETING, by=ren, at=LATER)
            is is_first
        )
    assert LogEntry.objects.count() == 2
