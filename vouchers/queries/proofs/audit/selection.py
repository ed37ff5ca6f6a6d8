"""Runs drawn at random, with everything their choice was made from."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

import numpy as np
import psycopg
from django.db.models import TextField, Value
from django.db.models.functions import MD5, Cast, Concat

from vouchers.models import QuotaCell, Run, Shard, TierSplit
from vouchers.rules.proofs.audit.selection import CellRoom, Choice, Person, TierTaken
from vouchers.sql.statements import Statement

Raw = psycopg.Connection[Any]

SAMPLE_RUNS: Final = 5
MOST_MEMBERS: Final = 200_000
"""Larger audiences are not chosen from again: the auditor's pack has what it takes."""

_NAMES: Final = ("tier_id", "round_id", "district_id", "store_id", "channel", "day")

# Each with whether what is on file of the resident may have changed since the choice.
_PEOPLE: Statement[tuple[Person, bool]] = Statement(
    """
    SELECT m.resident_id, m.distance_m, s.store_id, COALESCE(r.district_id, 0),
           COALESCE(r.need_score, 0), COALESCE(r.birth_year, 0),
           COALESCE(r.is_registered, false), COALESCE(r.has_residence_permit, false), r.tags,
           r.changed_xid::text <> %(xid)s::text
           AND NOT pg_visible_in_snapshot(r.changed_xid, %(as_of)s::text::pg_snapshot)
      FROM vouchers_audiencemember m
      JOIN vouchers_resident r ON r.id = m.resident_id
      JOIN merchants_storelocation s ON s.id = m.store_location_id
     WHERE m.run_id = %(run_id)s::bigint
     LIMIT %(most)s::bigint
    """,
    lambda row: (Person(*row[:-1]), bool(row[-1])),
)


def choices(raw: Raw, *, seed: int) -> Iterator[Choice]:
    """Up to `SAMPLE_RUNS` runs drawn by `seed`: of those that chose from at most `MOST_MEMBERS`
    members of whom everything is on file that counted then."""
    drawn = (
        Run.objects.filter(selection__has_key="chosen_from")
        .select_related("campaign")
        .order_by(MD5(Concat(Value(f"{seed}|"), Cast("id", TextField()))))
    )
    found = (_choice_of(raw, run) for run in drawn.iterator(chunk_size=SAMPLE_RUNS))
    return islice((choice for choice in found if choice is not None), SAMPLE_RUNS)


def _choice_of(raw: Raw, run: Run) -> Choice | None:
    stored = run.selection["chosen_from"]
    rows = _PEOPLE.send(
        raw,
        {
            "run_id": run.pk,
            "xid": stored["xid"],
            "as_of": stored["as_of"],
            "most": MOST_MEMBERS + 1,
        },
    ).rows()
    campaign = run.campaign
    choice = Choice(
        run_id=run.pk,
        seed=run.seed,
        method=campaign.selection_method,
        senior_share_bp=campaign.senior_share_bp,
        small_shop_share_bp=campaign.small_shop_share_bp,
        hold_out_bp=campaign.hold_out_bp,
        hold_out_seed=campaign.code,
        day=stored["day"],
        common={"round_id": run.round_id, "channel": run.channel, "day": stored["day"]},
        tiers=list(_tiers(run)),
        cells=list(_cells(stored["rooms"])),
        people=[person for person, _ in rows],
        earlier=_vouchers(id__in=stored["earlier_shards"]),
        chosen=_vouchers(run=run),
        population={int(id_): people for id_, people in stored["population"].items()},
        small_shops=frozenset(stored["small_shops"]),
        need_weights=campaign.need_weights,
    )
    is_unknown = choice.asks_for_facts and any(has_changed for _, has_changed in rows)
    return None if is_unknown or len(rows) > MOST_MEMBERS else choice


def _tiers(run: Run) -> Iterator[TierTaken]:
    for tier in run.campaign.tiers.order_by("face_fen", "id"):
        shares = TierSplit.objects.filter(tier=tier).values_list("source_id", "amount_fen")
        yield TierTaken(tier.pk, tier.per_resident, dict(shares))


def _cells(rooms: Mapping[str, list[int | None]]) -> Iterator[CellRoom]:
    for cell in QuotaCell.objects.filter(id__in=map(int, rooms)).order_by("id"):
        named = {name: getattr(cell, name) for name in _NAMES}
        if cell.day is not None:
            named["day"] = cell.day.isoformat()
        fen, count = rooms[str(cell.pk)]
        kept = {name: value for name, value in named.items() if value is not None}
        yield CellRoom(kept, cell.source_id, fen, count)


def _vouchers(**of: object) -> Counter[tuple[int, int]]:
    """Vouchers of shards by tier and resident."""
    found: Counter[tuple[int, int]] = Counter()
    for tier_id, packed in Shard.objects.filter(**of).values_list("tier_id", "resident_ids"):
        for resident_id in np.frombuffer(bytes(packed), dtype="<i8").tolist():
            found[tier_id, resident_id] += 1
    return found
