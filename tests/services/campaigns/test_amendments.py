"""Terms in force widened by another person's approval: no issued voucher gets worse."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.claims import CLOSING, asking, grab, verdict
from tests.support.concurrency.invariants import assert_proven
from tests.support.history import in_words
from tests.support.till import answer_to, issue_vouchers, order, till_of, voided
from vouchers.models import (
    Approval,
    Campaign,
    LimitCounter,
    LimitRule,
    Redemption,
    TermsVersion,
    Tranche,
    Voucher,
)
from vouchers.rules.campaigns.terms import terms_sha256
from vouchers.services.audience import targeting
from vouchers.services.campaigns import amendments, lifecycle
from vouchers.services.campaigns.amendments import approve_amendment, propose_amendment
from vouchers.services.campaigns.making import clone
from vouchers.services.issuing import leases, minting, runs
from vouchers.services.issuing.expiry import expire_due
from vouchers.states import LimitKind

pytestmark = pytest.mark.django_db

END = NOON + 30 * DAY
FIGURES = ("kind", "limit_count", "limit_fen")
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
    assert in_words(LogEntry.objects.latest("id")) == "Amended terms v2 in force"


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


def limits_of(campaign: Campaign) -> dict[int, tuple[int | None, int | None]]:
    rows = LimitRule.objects.filter(campaign=campaign)
    return {kind: (count, fen) for kind, count, fen in rows.values_list(*FIGURES)}


def spent(voucher: Voucher | str, *, at: datetime = NOON) -> tuple[int, str]:
    """Alice's next order: its status, and why not."""
    status, body = answer_to(order(voucher, cast.nanjing_road(), cast.alice(), at=at))
    return status, body.get("rule", "")


def raised(campaign: Campaign, **counts: int | None) -> TermsVersion:
    """Mei wants other numbers of redemptions."""
    limits = {LimitKind[kind.upper()]: {"limit_count": count} for kind, count in counts.items()}
    return propose_amendment(campaign=campaign, limits=limits, by=cast.mei(), at=NOON)


def test_a_raised_limit_acts_at_the_next_redemption_and_not_before_the_approval() -> None:
    campaign = cast.running_campaign(limits={LimitKind.RESIDENT_DAY: 1})
    first, second, third = issue_vouchers(campaign, [cast.alice()] * 3)
    assert spent(first) == (201, "")
    terms = raised(campaign, resident_day=2)
    assert spent(second) == (422, "resident_day")
    assert limits_of(campaign) == {LimitKind.RESIDENT_DAY: (1, None)}
    approved(terms)
    assert limits_of(campaign) == {LimitKind.RESIDENT_DAY: (2, None)}
    assert spent(second) == (201, "")
    assert spent(third) == (422, "resident_day")
    assert LimitCounter.objects.get().limit_count == 2
    assert_proven()


def test_a_lifted_limit_counts_on_and_refuses_nothing() -> None:
    """So that what is undone afterwards is taken from the counter, and the audit finds its sum."""
    campaign = cast.running_campaign(limits={LimitKind.LINK_DAY: 1, LimitKind.STORE_MINUTE: 1})
    vouchers = issue_vouchers(campaign, [cast.alice()] * 3)
    store = cast.nanjing_road()

    def answers() -> list[tuple[int, dict[str, Any]]]:
        shown = (order(each, store, cast.alice(), device="phone") for each in vouchers)
        return [answer_to(each) for each in shown]

    (_, body), *refused = answers()
    assert [answer["code"] for _status, answer in refused] == ["store_limit"] * 2
    approved(raised(campaign, link_day=None, store_minute=None))
    assert [status for status, _body in answers()[1:]] == [201, 201]
    assert set(limits_of(campaign).values()) == {(None, None)}
    assert set(LimitCounter.objects.values_list("used_count", "limit_count")) == {(3, None)}
    voided(Redemption.objects.get(pk=body["id"]), caller=till_of(store))
    assert set(LimitCounter.objects.values_list("used_count", flat=True)) == {2}
    assert_proven()


def test_a_claim_asks_no_limit_and_what_is_claimed_is_used_from_the_approval_on() -> None:
    """Three a day; the fourth voucher is claimed all the same and waits for the amendment."""
    campaign = grab(per_resident=5)
    answers = [verdict(asking(cast.alice(), campaign)) for _ in range(4)]
    assert [status for status, _body in answers] == [201] * 4
    codes = [body["voucher"] for _status, body in answers]
    assert [spent(code) for code in codes] == [(201, "")] * 3 + [(422, "resident_day")]
    approved(raised(campaign, resident_day=5))
    status, body = verdict(asking(cast.alice(), campaign))
    assert status == 201
    assert [spent(code) for code in (codes[3], body["voucher"])] == [(201, "")] * 2
    assert_proven()


def test_limits_wait_for_a_person_who_did_not_write_them(campaign: Campaign) -> None:
    before = limits_of(campaign)
    terms = raised(campaign, resident_day=9, resident_campaign=12)
    both = cast.grant(cast.mei(), "approver")
    with pytest.raises(Refused) as refused:
        approve_amendment(
            terms=terms,
            by=type(both).objects.get(pk=both.pk),
            seen_sha256=bytes(terms.sha256),
            at=NOON,
        )
    assert refused_code(refused) == ("approver_edited", "another_person")
    amendments.reject_amendment(terms=terms, by=cast.li(), seen_sha256=bytes(terms.sha256), at=NOON)
    assert limits_of(campaign) == before


@pytest.mark.parametrize(
    ("figures", "code"),
    [
        ({"limit_count": 0}, "amendment_worsens"),
        ({"limit_count": -1}, "amount_not_positive"),
        ({"limit_count": 2**31}, "amendment_worsens"),
        ({"limit_count": 1.5}, "amount_not_whole"),
        ({"limit_fen": 10**20}, "amount_too_large"),
        ({"limit_fen": 1}, "amendment_worsens"),
        ({"kind": 1}, "amendment_worsens"),
    ],
    ids=str,
)
def test_a_figure_that_is_lower_new_or_none_is_refused(
    figures: dict[str, int], code: str, campaign: Campaign
) -> None:
    with pytest.raises(Refused) as refused:
        propose_amendment(
            campaign=campaign, limits={LimitKind.RESIDENT_DAY: figures}, by=cast.mei(), at=NOON
        )
    assert refused.value.refusal.code == code
    assert TermsVersion.objects.count() == 1


def test_a_copy_of_the_campaign_begins_without_the_lifted_limit(campaign: Campaign) -> None:
    approved(raised(campaign, resident_day=None))
    copy = clone(
        campaign=Campaign.objects.get(pk=campaign.pk),
        code="again",
        name="Again",
        starts_at=END,
        is_test=False,
        by=cast.mei(),
        at=NOON,
    )
    assert limits_of(copy).keys() == limits_of(campaign).keys() - {LimitKind.RESIDENT_DAY}
