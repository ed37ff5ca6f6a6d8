"""Random samples of audiences and of claims, with the points of their people that are on file."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import psycopg

from vouchers.models import Geofence, Ring
from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.rules.proofs.audit.targeting import MemberFacts, PointFacts, RingFacts
from vouchers.sql.statements import Statement

Raw = psycopg.Connection[Any]
Points = dict[tuple[int, str], list[PointFacts]]
"""By resident id and kind of point."""

COUNT_MEMBERS = Statement("SELECT count(*) FROM vouchers_audiencemember", lambda row: int(row[0]))
COUNT_CLAIMS = Statement("SELECT count(*) FROM vouchers_claim", lambda row: int(row[0]))
_DRAWN = "TABLESAMPLE BERNOULLI (%(percent)s::real) REPEATABLE (%(seed)s::bigint)"
_FACTS = """
    SELECT c.id, d.issue_id, d.resident_id, d.place_kind, d.distance_m, d.ring,
           d.commitment, s.longitude_deg, s.latitude_deg, COALESCE(own.radius_m, c.radius_m),
           EXISTS (SELECT FROM vouchers_geofence f
                    WHERE f.campaign_id = c.id AND f.kind = %(polygon)s::text)
      FROM drawn d
      JOIN vouchers_campaign c ON c.id = d.campaign_id
      LEFT JOIN merchants_storelocation s ON s.id = d.store_location_id
      LEFT JOIN LATERAL (
           SELECT max(cs.radius_m) AS radius_m FROM vouchers_campaignstore cs
            WHERE cs.campaign_id = c.id AND cs.store_id = s.store_id) AS own ON true
"""

# The same seed draws the same members again, and the same claims.
SAMPLE_MEMBERS: Statement[MemberFacts] = Statement(
    f"""
    WITH drawn AS (
        SELECT run.campaign_id, m.run_id AS issue_id, m.resident_id, m.point_kind AS place_kind,
               m.distance_m, m.ring, m.commitment, m.store_location_id
          FROM vouchers_audiencemember m {_DRAWN}
          JOIN vouchers_run run ON run.id = m.run_id
         ORDER BY hashint8extended(m.resident_id, %(seed)s::bigint), m.run_id
         LIMIT %(members)s::bigint)
    {_FACTS}
    """,
    MemberFacts._make,
)
# A commitment names the tranche of a claim by its negative number.
SAMPLE_CLAIMS: Statement[MemberFacts] = Statement(
    f"""
    WITH drawn AS (
        SELECT r.campaign_id, -(m.voucher_id >> {SERIAL_BITS}) AS issue_id, m.resident_id,
               m.place_kind, m.distance_m, m.ring, m.commitment, m.store_location_id
          FROM vouchers_claim m {_DRAWN}
          JOIN vouchers_round r ON r.id = m.round_id
         ORDER BY hashint8extended(m.voucher_id, %(seed)s::bigint)
         LIMIT %(members)s::bigint)
    {_FACTS}
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


def sample_members(raw: Raw, *, size: int, seed: int) -> list[MemberFacts]:
    """Up to `size` members of all audiences, drawn by `seed`."""
    return _sample(raw, COUNT_MEMBERS, SAMPLE_MEMBERS, size, seed)


def sample_claims(raw: Raw, *, size: int, seed: int) -> list[MemberFacts]:
    """Up to `size` claims, drawn by `seed`: the claimants as members of their tranches."""
    return _sample(raw, COUNT_CLAIMS, SAMPLE_CLAIMS, size, seed)


def _sample(
    raw: Raw, count: Statement[int], draw: Statement[MemberFacts], size: int, seed: int
) -> list[MemberFacts]:
    """Half as many again and a hundred are drawn, so that the limit is reached, also by small
    audiences."""
    (of,) = count.send(raw, {}).rows()
    parameters = {
        "percent": min(100.0, 100.0 * (1.5 * size + 100) / of) if of else 100.0,
        "seed": seed,
        "members": size,
        "polygon": Geofence.Kind.INCLUDE_POLYGON.value,
    }
    return draw.send(raw, parameters).rows()


def points_of(raw: Raw, members: Sequence[MemberFacts]) -> Points:
    """Every point of the members that is on file."""
    found: Points = defaultdict(list)
    ids = sorted({member.resident_id for member in members})
    for resident_id, kind, *point in _POINTS.send(raw, {"resident_ids": ids}).rows():
        found[resident_id, kind].append(PointFacts._make(point))
    return found


def streets() -> dict[int, list[dict[str, Any]]]:
    """The boundaries that campaigns stay within, as their terms have them, by campaign."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    fences = Geofence.objects.filter(kind=Geofence.Kind.WITHIN_STREET).order_by("id")
    for campaign_id, geometry in fences.values_list("campaign_id", "geometry"):
        if geometry is not None:
            found[campaign_id].append(geometry)
    return found


def rings() -> dict[int, list[RingFacts]]:
    """Every campaign's rings, innermost first."""
    found: dict[int, list[RingFacts]] = defaultdict(list)
    for ring in Ring.objects.order_by("campaign_id", "from_m"):
        found[ring.campaign_id].append(RingFacts(ring.label, ring.from_m, ring.to_m))
    return found
