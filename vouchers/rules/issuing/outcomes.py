"""What became of one member of a run's audience, tier by tier. Pure."""

from enum import StrEnum


class Outcome(StrEnum):
    """Why a member has vouchers of a tier, or has not; the reasons are those of `choose`."""

    ISSUED = "issued"
    RESERVED = "reserved"  # chosen, not minted yet
    RETURNED = "returned"  # chosen, but the run was cancelled before it was minted
    WAITING = "waiting"  # the run has not chosen yet
    HOLD_OUT = "hold_out"
    DISTRICT_UNKNOWN = "district_unknown"
    ALREADY_SERVED = "already_served"
    QUOTA = "quota"


def passed_over(*, is_held_out: bool, is_barred: bool, had: int, per_resident: int) -> Outcome:
    """Why a member got none of a tier: the first that applies. `had` are vouchers of earlier runs
    of the round; who is barred has no district where quota cells name one."""
    if is_held_out:
        return Outcome.HOLD_OUT
    if is_barred:
        return Outcome.DISTRICT_UNKNOWN
    return Outcome.ALREADY_SERVED if had >= per_resident else Outcome.QUOTA
