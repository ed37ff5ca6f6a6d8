"""Seals of the journal: a hash chain that makes later changes evident.

A transaction that commits late has an earlier number than some that are sealed already, and would
fall between two seals. So only transactions below the oldest one still running are sealed; whatever
commits later has a number at or above the last seal's end.
"""

from datetime import datetime
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db import connection, transaction

from vouchers.models import Campaign, Outbox, Seal
from vouchers.models.locks import OWN_SEALING
from vouchers.queries.proofs.journal import FIND_UNSEALED, HORIZON, journal
from vouchers.rules.limits.limits import business_day
from vouchers.rules.proofs.seals import NO_SEAL, Link, Stretch, journal_line
from vouchers.sql.pipeline import raw_connection
from vouchers.states import CampaignState

MOST_TRANSFERS: Final = 50_000
"""In one link, but for those of a single transaction, which is never split."""
ANCHOR: Final = "anchor"


def seal_journal(
    *,
    campaign: Campaign,
    at: datetime,
    is_empty_sealed: bool = False,
    most_transfers: int = MOST_TRANSFERS,
) -> Seal | None:
    """Add the next link to a campaign's chain; None when nothing waits.

    Waits for another sealer of the campaign and then goes on from its link. An empty link
    (`is_empty_sealed`) states that nothing was posted until then.
    """
    with transaction.atomic(), connection.wrap_database_errors:
        raw = raw_connection()
        OWN_SEALING.send(raw, {"campaign_id": campaign.pk}).rows()
        last = campaign.seals.order_by("-number").first()
        from_xid = last.until_xid if last else 0
        until_xid = _until(raw, campaign, from_xid, most_transfers, is_empty_sealed)
        if until_xid is None:
            return None
        previous = bytes(last.sha256) if last else NO_SEAL
        link = Link(previous)
        for block in journal(raw, campaign_id=campaign.pk, from_xid=from_xid, until_xid=until_xid):
            link.add(map(journal_line, block))
        number = last.number + 1 if last else 1
        return Seal.objects.create(
            campaign=campaign,
            cell=settings.HUIMIN_CELL,
            number=number,
            from_xid=from_xid,
            until_xid=until_xid,
            transfer_count=link.transfer_count,
            previous_sha256=previous,
            sha256=link.close(
                Stretch(
                    campaign.code,
                    settings.HUIMIN_CELL,
                    number,
                    from_xid,
                    until_xid,
                    link.transfer_count,
                )
            ),
            sealed_at=at,
        )


def seal_all(*, at: datetime) -> int:
    """Seal what waits in every campaign that is not closed; the number of links made."""
    living = Campaign.objects.exclude(state__in=[CampaignState.DRAFT, CampaignState.CLOSED])
    return sum(seal_whole(campaign=campaign, at=at) for campaign in living.order_by("id"))


def seal_whole(*, campaign: Campaign, at: datetime) -> int:
    """Seal all that waits in one campaign, in as many links as it takes; their number."""
    made = 0
    while seal_journal(campaign=campaign, at=at):
        made += 1
    return made


def anchor_day(*, at: datetime) -> int:
    """Once a day, send the head of every campaign's chain to the recipients named in its terms.

    Of a closed campaign only a new head is sent. Returns the messages queued; running again on the
    same day queues none.
    """
    campaigns = Campaign.objects.exclude(state=CampaignState.DRAFT)
    return sum(_anchor(campaign, at) for campaign in campaigns.order_by("id"))


def _anchor(campaign: Campaign, at: datetime) -> int:
    made = seal_whole(campaign=campaign, at=at)
    day = business_day(at, campaign.zone).isoformat()
    is_closed = campaign.state == CampaignState.CLOSED
    announced = Outbox.objects.filter(key__startswith=_key(campaign, day, ""))
    if not campaign.anchor_recipients or (not is_closed and announced.exists()):
        return 0
    if not made and not is_closed:
        seal_journal(campaign=campaign, at=at, is_empty_sealed=True)
    seal = campaign.seals.order_by("-number").first()
    if seal is None:
        return 0
    occasion = f"seal {seal.number}" if is_closed else day
    messages = [
        Outbox(
            topic=ANCHOR,
            key=_key(campaign, occasion, recipient),
            payload={"to": recipient, "body": anchor_of(campaign, seal, day)},
            created_at=at,
        )
        for recipient in campaign.anchor_recipients
    ]
    before = Outbox.objects.filter(key__in=[message.key for message in messages]).count()
    Outbox.objects.bulk_create(messages, ignore_conflicts=True)
    return len(messages) - before


def anchor_of(campaign: Campaign, seal: Seal, day: str) -> dict[str, Any]:
    """The anchor that a recipient keeps: enough to check an exported pack against."""
    return {
        "campaign": campaign.code,
        "cell": seal.cell,
        "day": day,
        "number": seal.number,
        "sha256": bytes(seal.sha256).hex(),
        "until_xid": seal.until_xid,
    }


def _key(campaign: Campaign, occasion: str, recipient: str) -> str:
    return f"{ANCHOR}/{campaign.code}/{occasion}/{recipient}"


def _until(
    raw: psycopg.Connection[Any],
    campaign: Campaign,
    from_xid: int,
    most_transfers: int,
    is_empty_sealed: bool,
) -> int | None:
    """Where the next link ends; None when there is none to make.

    The horizon is read by a statement before the one that reads the rows, so that the rows of all
    transactions below it are seen.
    """
    (horizon,) = HORIZON.send(raw, {}).rows()
    if horizon <= from_xid:
        return None
    wanted = {
        "campaign_id": campaign.pk,
        "from_xid": from_xid,
        "until_xid": horizon,
        "most": most_transfers + 1,
    }
    (waiting,) = FIND_UNSEALED.send(raw, wanted).rows()
    if not waiting.transfers:
        return horizon if is_empty_sealed else None
    if waiting.transfers <= most_transfers:
        return horizon
    assert waiting.first_xid is not None
    assert waiting.last_xid is not None
    return max(waiting.last_xid, waiting.first_xid + 1)
