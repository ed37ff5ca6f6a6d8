"""How far a distribution run is, how fast it goes, and when it will be done."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import BigIntegerField, Count, Max, Min, Q, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from vouchers.models import Run, Shard, Targeting, TargetingPart
from vouchers.states import RunState, ShardState

LEAST_SHARDS = 2
"""Minted shards before there is a rate: between one and itself no time passes."""


IS_DONE = Q(state=ShardState.DONE)
EXAMINED = Cast(KeyTextTransform("examined", "counts"), BigIntegerField())
"""Residents of a part of a targeting, once it is judged."""


@dataclass(frozen=True, slots=True)
class TargetingProgress:
    """How far the search for a run's audience is. The rate is that since it was planned, a pause
    included; it and the end are None before the first part is judged, and in the sandbox, whose
    clock is its own."""

    parts_done: int
    parts_total: int
    residents_done: int
    residents_per_s: float | None
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Progress:
    """A run in figures. `vouchers_total` is 0 before the money is reserved; the rate and the end
    are None until two shards are minted, and when nothing is under way. `targeting` is there while
    the audience is found."""

    state: RunState
    is_paused: bool
    progress_pct: int
    shards_done: int
    shards_total: int
    vouchers_done: int
    vouchers_total: int
    vouchers_per_s: float | None
    done_at: datetime | None
    targeting: TargetingProgress | None


def progress_of(run: Run, *, at: datetime) -> Progress:
    """As the run's rows stand; the rate is that of the shards minted so far, so a pause counts as
    time in which nothing was minted."""
    figures = Shard.objects.filter(run=run).aggregate(
        shards=Count("id"),
        shards_done=Count("id", filter=IS_DONE),
        vouchers=Sum("voucher_count"),
        vouchers_done=Sum("voucher_count", filter=IS_DONE),
        first_at=Min("tranche__minted_at"),
        last_at=Max("tranche__minted_at"),
    )
    done, total = figures["vouchers_done"] or 0, figures["vouchers"] or 0
    per_s = None
    if figures["shards_done"] >= LEAST_SHARDS:
        per_s = _rate(done, figures["first_at"], figures["last_at"])
    state = RunState(run.state)
    is_under_way = state is RunState.RESERVED and run.paused_at is None
    return Progress(
        state=state,
        is_paused=run.paused_at is not None,
        progress_pct=run.progress_pct,
        shards_done=figures["shards_done"],
        shards_total=figures["shards"],
        vouchers_done=done,
        vouchers_total=total,
        vouchers_per_s=per_s,
        done_at=at + timedelta(seconds=(total - done) / per_s) if per_s and is_under_way else None,
        targeting=_targeting(run, at) if state is RunState.TARGETING else None,
    )


def _targeting(run: Run, at: datetime) -> TargetingProgress:
    figures = TargetingPart.objects.filter(run=run).aggregate(
        parts=Count("id"),
        parts_done=Count("id", filter=IS_DONE),
        residents=Sum(EXAMINED, filter=IS_DONE),
    )
    done, total, residents = figures["parts_done"], figures["parts"], figures["residents"] or 0
    took = at - Targeting.objects.values_list("at", flat=True).get(pk=run.pk)
    is_timed = done > 0 and took > timedelta(0) and not run.campaign.is_test
    return TargetingProgress(
        parts_done=done,
        parts_total=total,
        residents_done=residents,
        residents_per_s=residents / took.total_seconds() if is_timed else None,
        done_at=at + took * (total - done) / done if is_timed and run.paused_at is None else None,
    )


def _rate(vouchers: int, first_at: datetime, last_at: datetime) -> float | None:
    """Vouchers a second between the first and the last commit; None where no time has passed."""
    took_s = (last_at - first_at).total_seconds()
    return vouchers / took_s if took_s > 0 else None
