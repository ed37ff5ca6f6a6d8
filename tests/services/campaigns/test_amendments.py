"""Terms in force widened by another person's approval: no issued voucher gets worse."""

from datetime import datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.claims import CLOSING, asking, grab, verdict
from tests.support.concurrency.invariants import assert_proven
from tests.support.till import answer_to, issue_vouchers, order
from vouchers.models import Approval, Campaign, TermsVersion, Tranche
from vouchers.rules.campaigns.terms import terms_sha256
from vouchers.services.audience import targeting
from vouchers.services.campaigns import amendments, lifecycle
from vouchers.services.campaigns.amendments import approve_amendment, propose_amendment
from vouchers.services.issuing import leases, minting, runs
from vouchers.services.issuing.expiry import expire_due

pytestmark = pytest.mark.django_db

END = NOON + 30 * DAY
WEEKS_S = 14 * 24 * 3600


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    return cast.running_campaign()


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


def approved(terms: TermsVersion, *, at: datetime = NOON) -> Approval:
    return approve_amendment(terms=terms, by=cast.li(), seen_sha256=bytes(terms.sha256), at=at)


def refused_code(refused: pytest.ExceptionInfo[Refused]) -> tuple[str, str]:
    return refused.value.refusal.code, refused.value.refusal.rule


def later_end(campaign: Campaign, *, days: int = 10) -> TermsVersion:
    """Mei wants the campaign to last longer."""
    return propose_amendment(campaign=campaign, ends_at=END + days * DAY, by=cast.mei(), at=NOON)


def test_an_amendment_is_a_new_version_under_a_hash_of_its_own(campaign: Campaign) -> None:
    first = campaign.terms
    terms = later_end(campaign)
    assert (terms.number, terms.amends) == (2, first)
    assert bytes(terms.sha256) == terms_sha256(terms.document)
    assert terms.document["campaign"]["ends_at"] == "2026-05-11T04:00:00Z"
    assert first is not None
    assert terms.document["tiers"] == first.document["tiers"]
    assert set(first.edited_by) <= set(terms.edited_by)
    campaign.refresh_from_db()
    assert (campaign.ends_at, campaign.terms) == (END, first)


def test_an_approval_puts_end_validity_and_terms_in_force_together(campaign: Campaign) -> None:
    terms = propose_amendment(
        campaign=campaign, ends_at=END + DAY, validity_s=WEEKS_S * 2, by=cast.mei(), at=NOON
    )
    approved(terms)
    campaign.refresh_from_db()
    assert (campaign.ends_at, campaign.validity_s) == (END + DAY, WEEKS_S * 2)
    assert campaign.terms == terms
    assert "amended terms v2" in LogEntry.objects.latest("id").change_message


def test_vouchers_in_hand_last_longer_and_never_shorter() -> None:
    """Those of 20 March are valid until 9 April instead of the 3rd; those of 1 April until the
    campaign's end, as before."""
    campaign = cast.running_campaign(ends_at=NOON + 10 * DAY)
    (short,) = issue_vouchers(campaign, [cast.alice()], at=NOON - 12 * DAY)
    (long,) = issue_vouchers(campaign, [cast.alice()])
    terms = propose_amendment(
        campaign=campaign, validity_s=20 * 24 * 3600, by=cast.mei(), at=NOON + DAY
    )
    approved(terms, at=NOON + DAY)
    ends = dict(Tranche.objects.values_list("id", "valid_until_at"))
    assert ends == {short.tranche_id: NOON + 8 * DAY, long.tranche_id: NOON + 10 * DAY}
    status, _ = answer_to(order(short, cast.nanjing_road(), cast.alice(), at=NOON + 7 * DAY))
    assert status == 201
    assert_proven()


def test_claimed_vouchers_last_as_long_after_their_round_as_minted_ones() -> None:
    """Claimed in a round of six hours after noon, they were good for a day after its end, and now
    are for two."""
    campaign = grab(validity_s=24 * 3600)
    assert verdict(asking(cast.alice(), campaign))[0] == 201
    assert Tranche.objects.get().valid_until_at == CLOSING + DAY
    terms = propose_amendment(campaign=campaign, validity_s=48 * 3600, by=cast.mei(), at=NOON)
    with CaptureQueriesContext(connection) as captured:
        approved(terms)
    assert Tranche.objects.get().valid_until_at == CLOSING + 2 * DAY
    of_rounds = 'FROM "vouchers_round"'
    assert not [query for query in captured.captured_queries if of_rounds in query["sql"]]
    assert_proven()


def test_what_has_expired_stays_expired_swept_or_not(campaign: Campaign) -> None:
    swept, due = (
        issue_vouchers(campaign, [cast.alice()], valid_until_at=NOON + hours * timedelta(hours=1))[
            0
        ]
        for hours in (1, 2)
    )
    expire_due(at=NOON + timedelta(hours=1))
    at = NOON + timedelta(hours=2)
    approved(
        propose_amendment(campaign=campaign, validity_s=WEEKS_S * 2, by=cast.mei(), at=at), at=at
    )
    ends = dict(Tranche.objects.values_list("id", "valid_until_at"))
    assert ends == {swept.tranche_id: NOON + timedelta(hours=1), due.tranche_id: at}


def test_stores_join_from_the_approval() -> None:
    campaign = cast.running_campaign(limits={})
    first, second = issue_vouchers(campaign, [cast.alice()] * 2)
    terms = propose_amendment(campaign=campaign, stores=[cast.rival_shop()], by=cast.mei(), at=NOON)
    status, body = answer_to(order(first, cast.rival_shop(), cast.alice(), at=NOON))
    assert (status, body["code"]) == (422, "store_not_participating")
    approved(terms, at=NOON + DAY)
    status, _ = answer_to(order(second, cast.rival_shop(), cast.alice(), at=NOON + DAY))
    assert status == 201
    joined = campaign.participations.get(store=cast.rival_shop())
    assert (joined.valid_from_at, joined.valid_until_at) == (NOON + DAY, None)


def test_what_a_run_mints_after_the_approval_has_the_new_terms(campaign: Campaign) -> None:
    cast.alice()
    runs.request_run(campaign=campaign, seed="7", by=cast.mei(), at=NOON)
    for step in (targeting.target_run, runs.reserve_run):
        lease = leases.lease_run(at=NOON, lease_s=60)
        assert lease is not None
        step(run_id=lease.run_id, fence=lease.fence, at=NOON)
    terms = propose_amendment(campaign=campaign, validity_s=WEEKS_S + 60, by=cast.mei(), at=NOON)
    approved(terms)
    shard = leases.lease_shard(at=NOON, lease_s=60)
    assert shard is not None
    tranche = minting.mint_shard(shard_id=shard.shard_id, fence=shard.fence, at=NOON)
    assert tranche.terms == terms
    assert tranche.valid_until_at == NOON + timedelta(seconds=WEEKS_S + 60)
    assert_proven()


@pytest.mark.parametrize(
    ("change", "code", "rule"),
    [
        ({"ends_at": END - timedelta(microseconds=1)}, "amendment_worsens", "ends_no_earlier"),
        ({"validity_s": WEEKS_S - 1}, "amendment_worsens", "validity_no_shorter"),
        ({"validity_s": 10**12}, "amendment_worsens", "validity_no_shorter"),
        ({}, "nothing_to_change", "another_promise"),
    ],
)
def test_what_worsens_or_changes_nothing_is_refused(
    change: dict[str, datetime], code: str, rule: str, campaign: Campaign
) -> None:
    with pytest.raises(Refused) as refused:
        propose_amendment(campaign=campaign, by=cast.mei(), at=NOON, **change)  # type: ignore[arg-type]
    assert refused_code(refused) == (code, rule)
    assert TermsVersion.objects.count() == 1


def test_a_store_that_takes_part_cannot_join(campaign: Campaign) -> None:
    with pytest.raises(Refused) as refused:
        propose_amendment(campaign=campaign, stores=[cast.nanjing_road()], by=cast.mei(), at=NOON)
    assert refused_code(refused) == ("amendment_worsens", "store_joins_once")


def test_no_person_approves_an_amendment_they_edited_or_did_not_see(campaign: Campaign) -> None:
    terms = later_end(campaign)
    both = cast.mei()
    both = cast.grant(both, "approver")
    both = type(both).objects.get(pk=both.pk)
    with pytest.raises(Refused) as refused:
        approve_amendment(terms=terms, by=both, seen_sha256=bytes(terms.sha256), at=NOON)
    assert refused_code(refused) == ("approver_edited", "another_person")
    with pytest.raises(Refused) as refused:
        approve_amendment(terms=terms, by=cast.li(), seen_sha256=bytes(32), at=NOON)
    assert refused_code(refused) == ("terms_not_as_seen", "seen_hash")
    campaign.refresh_from_db()
    assert campaign.ends_at == END


def test_only_the_newest_amendment_of_the_terms_in_force_can_be_approved(
    campaign: Campaign,
) -> None:
    first, second = later_end(campaign, days=1), later_end(campaign, days=2)
    with pytest.raises(Refused) as refused:
        approved(first)
    assert refused_code(refused) == ("terms_not_as_seen", "newest_version")
    approved(second)
    with pytest.raises(Refused) as refused:
        approved(second)
    assert refused_code(refused) == ("terms_not_as_seen", "newest_version")


def test_a_rejected_amendment_is_over_and_a_new_one_can_follow(campaign: Campaign) -> None:
    terms = later_end(campaign)
    amendments.reject_amendment(
        terms=terms, by=cast.li(), seen_sha256=bytes(terms.sha256), comment="no", at=NOON
    )
    other = cast.member("liu", "approver")
    with pytest.raises(Refused) as refused:
        approve_amendment(terms=terms, by=other, seen_sha256=bytes(terms.sha256), at=NOON)
    assert refused_code(refused) == ("already_decided", "one_decision")
    approved(later_end(campaign))
    campaign.refresh_from_db()
    assert campaign.ends_at == END + 10 * DAY


def test_a_draft_and_an_ended_campaign_are_not_amended() -> None:
    for campaign in (cast.spring_campaign(code="draft"), cast.running_campaign(code="over")):
        if campaign.code == "over":
            lifecycle.end(campaign=campaign, by=cast.mei(), at=NOON)
        with pytest.raises(Refused) as refused:
            later_end(campaign)
        assert refused_code(refused)[0] == "campaign_state"


def test_a_campaign_whose_end_has_come_is_not_amended_though_it_was_not_ended(
    campaign: Campaign,
) -> None:
    terms = later_end(campaign)
    with pytest.raises(Refused) as refused:
        approved(terms, at=END)
    assert refused_code(refused) == ("campaign_over", "not_over_yet")


def test_the_database_changes_promises_only_together_with_the_terms_in_force(
    campaign: Campaign,
) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(ends_at=END + DAY)
