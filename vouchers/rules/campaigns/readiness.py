"""The launch list: what keeps a campaign from being submitted or launched, and what is worth a look
before. One list, for the services that refuse and for the page that shows it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from merchants.errors import Refusal
from vouchers.rules.campaigns.soundness import faults
from vouchers.rules.campaigns.terms import INVALID, Terms
from vouchers.states import CampaignState


class Stage(StrEnum):
    """Which act a finding keeps from happening."""

    SUBMIT = "submit"
    LAUNCH = "launch"
    NONE = "none"  # nothing: it is worth a look


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the list has to know beside the terms.

    `approvers`: how many people may decide on the terms, without those who edited them, and
    `approvers_needed`: how many have to.
    `without_cash`: names of the sources of which nothing has arrived. `is_tried`: a till of a
    merchant that takes part has redeemed in a test campaign. `strange_streets`: streets that the
    audience filter names and the city has not.
    """

    state: CampaignState
    zone: str
    is_test: bool
    approvers: int
    approvers_needed: int
    without_cash: tuple[str, ...]
    is_tried: bool
    strange_streets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be; its text and field are those of the refusal."""

    refusal: Refusal
    blocks: Stage


def findings(terms: Terms, around: Surroundings, *, at: datetime) -> list[Finding]:
    """Everything on the list at once: first what blocks, in the order in which it is refused."""
    found: list[Finding] = []
    if around.state is CampaignState.DRAFT:
        found += [Finding(refusal, Stage.SUBMIT) for refusal in unfit(terms, around, at=at)]
    elif refusal := over(terms.ends_at, at=at):
        found.append(Finding(refusal, Stage.LAUNCH))
    found += [Finding(refusal, Stage.NONE) for refusal in _cautions(terms, around)]
    return found


def unfit(terms: Terms, around: Surroundings, *, at: datetime) -> list[Refusal]:
    """What keeps a draft from being submitted."""
    refusals = faults(terms, at=at)
    if around.approvers < around.approvers_needed:
        counts = {"able": around.approvers, "needed": around.approvers_needed}
        refusals.append(Refusal(INVALID, "enough_approve", counts))
    return refusals


def over(ends_at: datetime, *, at: datetime) -> Refusal | None:
    """A campaign that has ended is not launched."""
    if ends_at > at:
        return None
    return Refusal("campaign_over", "not_over_yet", {"ends_at": ends_at.isoformat()})


def _cautions(terms: Terms, around: Surroundings) -> Iterator[Refusal]:
    if around.without_cash:
        yield Refusal(INVALID, "cash_arrived", {"source": ", ".join(around.without_cash)})
    if timedelta(seconds=terms.validity_s) > terms.ends_at - terms.starts_at > timedelta():
        yield Refusal(INVALID, "validity_within_campaign")
    zone = ZoneInfo(around.zone)
    if terms.starts_at.astimezone(zone).year != _last_day(terms.ends_at, zone).year:
        yield Refusal(INVALID, "within_one_year")
    if around.strange_streets:
        yield Refusal(INVALID, "streets_on_file", {"streets": ", ".join(around.strange_streets)})
    if not around.is_test and not around.is_tried:
        yield Refusal(INVALID, "tried_in_sandbox")


def _last_day(ends_at: datetime, zone: ZoneInfo) -> datetime:
    """Periods are half-open: one that ends at midnight has its last day before."""
    return (ends_at - timedelta(microseconds=1)).astimezone(zone)
