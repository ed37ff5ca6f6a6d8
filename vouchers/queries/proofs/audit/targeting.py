"""A random sample of audiences, with the points of its members that are on file."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import psycopg

from vouchers.models import Geofence, Ring
from vouchers.rules.proofs.audit.targeting import MemberFacts, PointFacts, RingFacts
from vouchers.sql.statements import Statement

Raw = psycopg.Connection[Any]
Points = dict[tuple[int, str], list[PointFacts]]
"""By resident id and kind of point."""

COUNT_MEMBERS = Statement("SELECT count(*) FROM vouchers_audiencemember", lambda row: int(row[0]))

# The same seed draws the same members again.
SAMPLE_MEMBERS: Statement[MemberFacts] = Statement(
    """
    WITH drawn AS (
        SELECT * FROM vouchers_audiencemember
                      TABLESAMPLE BERNOULLI (%(percent)s::real) REPEATABLE (%(seed)s::bigint)
         ORDER BY hashint8extended(resident_id, %(seed)s::bigint), run_id
         LIMIT %(members)s::bigint)
    SELECT run.campaign_id, m.run_id, m.resident_id, m.point_kind, m.distance_m, m.ring,
           m.commitment, s.longitude_deg, s.latitude_deg, COALESCE(own.radius_m, c.radius_m),
           EXISTS (SELECT FROM vouchers_geofence f
                    WHERE f.campaign_id = c.id AND f.kind = %(polygon)s::text)
      FROM drawn m
      JOIN vouchers_run run ON run.id = m.run_id
      JOIN vouchers_campaign c ON c.id = run.campaign_id
      LEFT JOIN merchants_storelocation s ON s.id = m.store_location_id
      LEFT JOIN LATERAL (
           SELECT max(cs.radius_m) AS radius_m FROM vouchers_campaignstore cs
            WHERE cs.campaign_id = c.id AND cs.store_id = s.store_id) AS own ON true
    """,
    MemberFacts._make,
)
_POINTS: Statement[Any] = Statement(
    """
    SELECT p.resident_id, p.kind, p.longitude_deg, p.latitude_deg, p.coarsened_at IS NOT NULL
      FROM unnest(%(resident_ids)s::bigint[]) AS wanted(id)
      JOIN vouchers_residentpoint p ON p.resident_id = wanted.id
    """
)


def sample(raw: Raw, *, members: int, seed: int) -> list[MemberFacts]:
    """Up to `members` members of all audiences, drawn by `seed`.

    Half as many again and a hundred are drawn, so that the limit is reached, also by small
    audiences.
    """
    (of,) = COUNT_MEMBERS.send(raw, {}).rows()
    parameters = {
        "percent": min(100.0, 100.0 * (1.5 * members + 100) / of) if of else 100.0,
        "seed": seed,
        "members": members,
        "polygon": Geofence.Kind.INCLUDE_POLYGON.value,
    }
    return SAMPLE_MEMBERS.send(raw, parameters).rows()


def points_of(raw: Raw, members: Sequence[MemberFacts]) -> Points:
    """Every point of the members that is on file."""
    found: Points = defaultdict(list)
    ids = sorted({member.resident_id for member in members})
    for resident_id, kind, *point in _POINTS.send(raw, {"resident_ids": ids}).rows():
        found[resident_id, kind].append(PointFacts._make(point))
    return found


def rings() -> dict[int, list[RingFacts]]:
    """Every campaign's rings, innermost first."""
    found: dict[int, list[RingFacts]] = defaultdict(list)
    for ring in Ring.objects.order_by("campaign_id", "from_m"):
        found[ring.campaign_id].append(RingFacts(ring.label, ring.from_m, ring.to_m))
    return found
