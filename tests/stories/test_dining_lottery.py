"""The dining lottery's first round, ¥144,000,000.00, issued in full to the last voucher.

480,000 vouchers 满300减90, 240,000 满500减180 and 144,000 满1000减400 share the money 30 : 30 : 40;
three channels get ¥48,000,000.00 each. Real runs issue it, one per channel. Simplified in one
respect: the draw, which comes later, would pick the winners; here the nearest are served, each with
at most one voucher of a tier per channel, so that 160,000 people are enough for a round.
"""

from collections import Counter
from typing import Any

import pytest
from django.db import connection, connections
from django.db.models import Sum

from tests.support import cast, draft_rows
from tests.support.cast import DAY, NOON, PEOPLES_SQUARE
from vouchers.models import Campaign, Leg, QuotaBucket, QuotaCell, Run, Tier, Tranche
from vouchers.queries.ledger.balances import balances
from vouchers.services.audience import targeting
from vouchers.services.issuing import leases, minting, runs
from vouchers.states import AccountKind, RunState

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

CHANNELS = ("alipay", "unionpay", "wechat")
# By tier: face and threshold in fen, vouchers of the round, share of its money in per cent.
TIERS = {
    "off90": (9_000, 30_000, 480_000, 30),
    "off180": (18_000, 50_000, 240_000, 30),
    "off400": (40_000, 100_000, 144_000, 40),
}
ROUND_FEN = 14_400_000_000
ROUND_VOUCHERS = 864_000
CHANNEL_FEN = 4_800_000_000
WINNERS = 160_000
LOSERS = 25
SUB_BUCKETS = 8
LEASE_S = 600

ADD_RESIDENTS = """
WITH fresh AS (
    INSERT INTO vouchers_resident (external_id, bucket, state, birth_year, street, need_score,
                                   tags, created_at)
    SELECT 'R' || to_char(n, 'FM00000000'), n %% 1024, 'active', 1985, '', 0, 0, %(at)s
      FROM generate_series(%(first)s, %(last)s) AS n
    RETURNING id, bucket
), consent AS (
    INSERT INTO vouchers_consent (resident_id, bucket, purpose, text_version, granted_at)
    SELECT id, bucket, 'targeting', '2026-01', %(at)s FROM fresh
)
INSERT INTO vouchers_residentpoint (resident_id, bucket, kind, longitude_deg, latitude_deg, datum,
                                    raw_longitude, raw_latitude, observed_at)
SELECT id, bucket, 'home', lon, lat, 'WGS-84', lon, lat, %(at)s
  FROM (SELECT id, bucket, %(lon)s + 0.00002 * (id %% 1000) AS lon,
               %(lat)s + 0.00002 * (id %% 997) AS lat
          FROM fresh) AS placed
"""
VOUCHERS_HELD = """
SELECT a.tier_id, a.channel, count(*), count(DISTINCT v.resident_id)
  FROM vouchers_voucher v JOIN vouchers_allocation a ON a.id = v.allocation_id
 GROUP BY 1, 2
"""


def settle_a_city() -> None:
    """People within three kilometres of Nanjing Road; a few more than there are vouchers for."""
    lon, lat = PEOPLES_SQUARE
    placed: dict[str, Any] = {"at": NOON - 30 * DAY, "lon": lon, "lat": lat}
    with connection.cursor() as cursor, connections["owner"].cursor() as owner:
        cursor.execute(ADD_RESIDENTS, {**placed, "first": 1, "last": LOSERS})
        # The plan by which foreign keys are checked may be one for an empty table.
        owner.execute("ANALYZE vouchers_resident")
        cursor.execute(ADD_RESIDENTS, {**placed, "first": LOSERS + 1, "last": WINNERS + LOSERS})


def lottery() -> Campaign:
    """Set up, approved by another person, launched: cells of round, tiers and channels, nested."""
    draft = cast.spring_campaign(
        code="dining-lottery",
        budget_fen=ROUND_FEN,
        tiers={
            code: (face_fen, threshold_fen) for code, (face_fen, threshold_fen, *_) in TIERS.items()
        },
        limits={},
        stores=(cast.nanjing_road(),),
    )
    by, at = cast.mei(), NOON - 2 * DAY
    first = draft_rows.add(
        "rounds", campaign=draft, number=1, opens_at=NOON, closes_at=NOON + 7 * DAY, by=by, at=at
    )

    def cap(fen: int, count: int, tier: Tier | None = None, channel: str | None = None) -> None:
        draft_rows.add(
            "cells",
            campaign=draft,
            round=first,
            tier=tier,
            channel=channel,
            cap_fen=fen,
            cap_count=count,
            bucket_count=SUB_BUCKETS,
            by=by,
            at=at,
        )

    cap(ROUND_FEN, ROUND_VOUCHERS)
    for channel in CHANNELS:
        cap(CHANNEL_FEN, ROUND_VOUCHERS // 3, channel=channel)
    for tier in draft.tiers.all():
        _, _, count, percent = TIERS[tier.code]
        cap(ROUND_FEN * percent // 100, count, tier)
        for channel in CHANNELS:
            cap(CHANNEL_FEN * percent // 100, count // 3, tier, channel)
    return cast.launched(draft)


def issue(campaign: Campaign, channel: str) -> Run:
    """A run of a channel, from its request to its last voucher."""
    run = runs.request_run(
        campaign=campaign,
        round=campaign.rounds.get(),
        channel=channel,
        seed="1",
        by=cast.mei(),
        at=NOON,
    )
    for step in (targeting.target_run, runs.reserve_run):
        lease = leases.lease_run(at=NOON, lease_s=LEASE_S)
        assert lease is not None
        step(run_id=run.pk, fence=lease.fence, at=NOON)
    while shard := leases.lease_shard(at=NOON, lease_s=LEASE_S):
        minting.mint_shard(shard_id=shard.shard_id, fence=shard.fence, at=NOON)
    run.refresh_from_db()
    return run


def assert_issued_to_the_last_fen(campaign: Campaign) -> None:
    """Money per campaign, tier and channel, vouchers per tier and channel, and every cell empty."""
    (of_city,) = balances(campaign.pk).values()
    assert {kind: fen for kind, fen in of_city.items() if fen} == {
        AccountKind.APPROPRIATED: -ROUND_FEN,
        AccountKind.OUTSTANDING: ROUND_FEN,
    }
    legs = Leg.objects.filter(account__kind=AccountKind.OUTSTANDING)
    rows = legs.values_list("allocation__tier__code", "allocation__channel")
    held_fen = {(tier, channel): fen for tier, channel, fen in rows.annotate(fen=Sum("amount_fen"))}
    codes = dict(campaign.tiers.values_list("id", "code"))
    with connection.cursor() as cursor:
        cursor.execute(VOUCHERS_HELD)
        held = {(codes[tier], channel): counts for tier, channel, *counts in cursor.fetchall()}
    by_channel: Counter[str] = Counter()
    for code, (face_fen, _, count, percent) in TIERS.items():
        assert count * face_fen == ROUND_FEN * percent // 100
        for channel in CHANNELS:
            assert held_fen[code, channel] == count // 3 * face_fen
            # As many residents as vouchers: no resident has two of a tier through one channel.
            assert held[code, channel] == [count // 3, count // 3]
            by_channel[channel] += held_fen[code, channel]
    assert by_channel == dict.fromkeys(CHANNELS, CHANNEL_FEN)
    assert len(held) == len(held_fen) == len(TIERS) * len(CHANNELS)
    assert set(QuotaBucket.objects.values_list("headroom_fen", flat=True)) == {0}
    # The source's own cell caps money alone.
    assert set(QuotaBucket.objects.values_list("headroom_count", flat=True)) == {0, None}


def test_round_one_is_issued_in_full_and_one_more_is_refused() -> None:
    assert sum(face_fen * count for face_fen, _, count, _ in TIERS.values()) == ROUND_FEN
    settle_a_city()
    campaign = lottery()
    assert QuotaCell.objects.count() == 1 + 1 + 3 + 3 + 9

    for channel in CHANNELS:
        run = issue(campaign, channel)
        assert run.state == RunState.DONE
        assert run.audience["targeted"] == WINNERS + LOSERS
        assert (run.selection["fen"], run.selection["vouchers"]) == (CHANNEL_FEN, 288_000)
        assert run.selection["residents"] == WINNERS
        passed_over = run.selection["tiers"]["off90"]["passed_over"]
        assert passed_over == {"quota": LOSERS}
    assert_issued_to_the_last_fen(campaign)

    tranches = Tranche.objects.count()
    again = issue(campaign, "wechat")
    assert (again.state, again.selection["vouchers"]) == (RunState.DONE, 0)
    passed_over = again.selection["tiers"]["off400"]["passed_over"]
    assert passed_over == {"already_served": 48_000, "quota": WINNERS + LOSERS - 48_000}
    # Another channel has no cap of its own; the round's and the tiers' are full all the same.
    other = issue(campaign, "douyin")
    assert (other.state, other.selection["vouchers"]) == (RunState.DONE, 0)
    for code in TIERS:
        passed_over = other.selection["tiers"][code]["passed_over"]
        assert passed_over == {"quota": WINNERS + LOSERS}
    assert Tranche.objects.count() == tranches
    assert_issued_to_the_last_fen(campaign)
