"""The journal sealed link by link: in its one order, with nothing between two links."""

import threading
from datetime import timedelta
from itertools import count

import psycopg
import pytest
from django.db import connection, connections, transaction

from tests.support import cast
from tests.support.books import as_owner, healthy_book, spoil
from tests.support.cast import DAY, NOON
from vouchers.models import Campaign, Outbox, Seal, Transfer
from vouchers.models.locks import SEAL
from vouchers.queries.proofs.audit.seals import SEALS_RECOMPUTE
from vouchers.services.campaigns import proposals
from vouchers.services.proofs.seals import anchor_day, seal_all, seal_journal, seal_whole
from vouchers.services.proofs.seals import anchor_of as anchor_body
from vouchers.states import CampaignState

_numbers = count(1)


def broken_seals() -> list[tuple[object, ...]]:
    """What the audit's check says."""
    with connection.cursor() as cursor:
        cursor.execute(SEALS_RECOMPUTE.text)
        return list(cursor.fetchall())


def more_money(campaign: Campaign) -> None:
    """One more transfer."""
    source = campaign.sources.order_by("id")[0]
    proposal = proposals.propose_appropriation(
        source=source,
        expected_fen=source.appropriated_fen,
        target_fen=source.appropriated_fen + 100,
        why="one more transfer",
        request_id=f"top-up {next(_numbers)}",
        by=cast.mei(),
        at=NOON,
    )
    cast.approved(proposal)


def raw_to_test_database() -> psycopg.Connection:
    """Another session of the services' role."""
    given = connections["default"].settings_dict
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    address = {name: given[field] for name, field in names.items() if given.get(field)}
    return psycopg.connect(dbname=given["NAME"], **address)


@pytest.mark.django_db(transaction=True)
class TestSealing:
    def test_all_that_has_ended_is_sealed_once(self) -> None:
        campaign = healthy_book()
        seal = seal_journal(campaign=campaign, at=NOON)
        assert seal is not None
        assert seal.transfer_count == Transfer.objects.filter(campaign=campaign).count() > 0
        assert (seal.number, seal.from_xid, bytes(seal.previous_sha256)) == (1, 0, bytes(32))
        assert seal_journal(campaign=campaign, at=NOON) is None
        assert broken_seals() == []

    def test_the_next_link_begins_where_the_last_ended(self) -> None:
        campaign = cast.running_campaign()
        first = seal_journal(campaign=campaign, at=NOON)
        more_money(campaign)
        second = seal_journal(campaign=campaign, at=NOON + DAY)
        assert first is not None
        assert second is not None
        assert (second.number, second.from_xid, second.transfer_count) == (2, first.until_xid, 1)
        assert bytes(second.previous_sha256) == bytes(first.sha256)
        assert broken_seals() == []

    def test_a_long_stretch_is_cut_between_transactions(self) -> None:
        campaign = healthy_book()
        counts = []
        while seal := seal_journal(campaign=campaign, at=NOON, most_transfers=3):
            counts.append(seal.transfer_count)
        assert sum(counts) == Transfer.objects.filter(campaign=campaign).count()
        assert len(counts) > 2
        assert broken_seals() == []

    def test_what_commits_late_goes_to_the_next_link(self) -> None:
        campaign = cast.running_campaign()
        other = cast.running_campaign(code="other", funding={"bank": 100})
        assert seal_whole(campaign=campaign, at=NOON) == 1
        late, ready, go = [], threading.Event(), threading.Event()

        def commit_late() -> None:
            try:
                with transaction.atomic():
                    more_money(campaign)
                    late.append(Transfer.objects.filter(campaign=campaign).latest("id"))
                    ready.set()
                    assert go.wait(20)
            finally:
                ready.set()
                connection.close()

        worker = threading.Thread(target=commit_late)
        worker.start()
        assert ready.wait(20)
        # It runs with an earlier number than these, which have committed.
        more_money(other)
        more_money(other)
        sealed = seal_whole(campaign=other, at=NOON)
        top = other.seals.latest("number").until_xid
        assert sealed == 1
        assert top <= late[0].xid
        assert Transfer.objects.filter(campaign=other).latest("id").xid >= top
        assert seal_journal(campaign=campaign, at=NOON) is None
        go.set()
        worker.join()
        assert seal_whole(campaign=campaign, at=NOON) == 1
        assert seal_whole(campaign=other, at=NOON) == 1
        for of in (campaign, other):
            sums = sum(seal.transfer_count for seal in of.seals.all())
            assert sums == Transfer.objects.filter(campaign=of).count()
        assert broken_seals() == []

    def test_two_sealers_make_one_link(self) -> None:
        campaign = cast.running_campaign()
        results: list[Seal | None] = []

        def run() -> None:
            try:
                results.append(seal_journal(campaign=campaign, at=NOON))
            finally:
                connection.close()

        with raw_to_test_database() as holder:
            holder.execute(f"SELECT pg_advisory_xact_lock({SEAL.number}, {campaign.pk})")
            workers = [threading.Thread(target=run) for _ in range(2)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join(0.3)
            assert results == []
        for worker in workers:
            worker.join()
        assert sorted(seal is None for seal in results) == [False, True]
        assert Seal.objects.count() == 1
        assert broken_seals() == []

    def test_every_campaign_that_lives_is_sealed(self) -> None:
        cast.running_campaign()
        cast.running_campaign(code="other", funding={"bank": 100})
        assert seal_all(at=NOON) == 2
        assert seal_all(at=NOON) == 0


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
@pytest.mark.parametrize(
    ("corruption", "why"),
    [
        (
            "UPDATE vouchers_transfer SET at = at + interval '1 s' WHERE reason = 'redeem'",
            "another number of transfers",  # its legs do not follow it
        ),
        ("UPDATE vouchers_leg SET amount_fen = 2 * amount_fen", "not what was sealed"),
        ("UPDATE vouchers_transfer SET cause_id = cause_id + 1", "not what was sealed"),
        ("UPDATE vouchers_seal SET previous_sha256 = sha256('x')", "does not follow"),
        ("DELETE FROM vouchers_leg WHERE account_id > 0", "another number of transfers"),
    ],
)
def test_the_audit_sees_a_rewritten_journal(corruption: str, why: str) -> None:
    seal_whole(campaign=healthy_book(), at=NOON)
    with as_owner(), transaction.atomic():
        spoil(corruption)
        found = broken_seals()
        transaction.set_rollback(True)
    assert len(found) == 1
    assert why in str(found[0][2])


@pytest.mark.django_db(transaction=True)
class TestAnchors:
    def campaign(self) -> Campaign:
        draft = cast.spring_campaign()
        draft.anchor_recipients = ["audit@city.example", "https://anchor.example/hook"]
        draft.save(update_fields=["anchor_recipients"])
        return cast.launched(draft)

    def test_every_recipient_is_sent_one_message_a_day(self) -> None:
        campaign = self.campaign()
        assert anchor_day(at=NOON) == 2
        assert anchor_day(at=NOON + timedelta(hours=1)) == 0
        seal = campaign.seals.get()
        bodies = [message.payload["body"] for message in Outbox.objects.all()]
        assert bodies == [anchor_body(campaign, seal, "2026-04-01")] * 2
        assert {message.payload["to"] for message in Outbox.objects.all()} == set(
            campaign.anchor_recipients
        )

    def test_a_quiet_day_is_anchored_by_an_empty_link(self) -> None:
        campaign = self.campaign()
        anchor_day(at=NOON)
        cast.alice()
        assert anchor_day(at=NOON + DAY) == 2
        assert campaign.seals.latest("number").transfer_count == 0
        assert broken_seals() == []

    def test_of_a_closed_campaign_only_a_new_head_is_sent(self) -> None:
        campaign = self.campaign()
        for state in (CampaignState.ENDED, CampaignState.SETTLED, CampaignState.CLOSED):
            Campaign.objects.filter(pk=campaign.pk).update(state=state)
        assert anchor_day(at=NOON) == 2
        assert anchor_day(at=NOON + DAY) == 0

    def test_without_recipients_nothing_is_sent(self) -> None:
        cast.running_campaign()
        assert anchor_day(at=NOON) == 0
