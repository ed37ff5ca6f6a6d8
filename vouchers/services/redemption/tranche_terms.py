"""The terms frozen into a tranche, and what of its campaign an act has to know."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from vouchers.models.campaigns.facts import FIND_CAMPAIGNS, CampaignRow
from vouchers.models.issuing.runs import FIND_TRANCHES, TrancheRow
from vouchers.rules.limits.limits import BY_LINK, LimitRule
from vouchers.rules.limits.risk_rules import RuleSet
from vouchers.rules.redemption.redeem import TrancheFacts
from vouchers.sql.pipeline import pipeline
from vouchers.states import AccountKind


class CampaignTerms(NamedTuple):
    """What holds in the whole campaign, and what a posting needs to know of it."""

    row: CampaignRow
    limits: Sequence[LimitRule]
    accounts: Mapping[tuple[int, AccountKind], int]
    source_codes: Mapping[int, str]
    authorise_ttl: timedelta
    # None where no risk rule is in force.
    risk: RuleSet | None

    @property
    def limits_links(self) -> bool:
        """Whether some limit counts devices, phones, cards or accounts."""
        return any(rule.kind in BY_LINK for rule in self.limits)


class TrancheTerms(NamedTuple):
    """A tranche as the rules see it, and its campaign."""

    facts: TrancheFacts
    campaign: CampaignTerms


def terms_of(tranche_id: int) -> TrancheTerms:
    """A tranche's terms as they stand; for acts on one redemption, after its tranche is locked."""
    with pipeline() as raw:
        tranches = FIND_TRANCHES.send(raw, {"tranche_ids": [tranche_id]})
        campaigns = FIND_CAMPAIGNS.send(raw, {"tranche_ids": [tranche_id]})
    (campaign,), (tranche,) = campaigns.rows(), tranches.rows()
    return tranche_terms(tranche, campaign_terms(campaign))


def campaign_terms(row: CampaignRow) -> CampaignTerms:
    """A campaign's row, decoded."""
    return CampaignTerms(
        row=row,
        limits=[LimitRule(row.id, *limit) for limit in row.limits],  # type: ignore[arg-type]
        accounts={(source, AccountKind(kind)): id_ for source, _, kind, id_ in row.accounts},
        source_codes={source: code for source, code, _, _ in row.accounts},
        authorise_ttl=timedelta(seconds=row.authorise_ttl_s),
        risk=RuleSet.of(row.risk),
    )


def tranche_terms(row: TrancheRow, campaign: CampaignTerms) -> TrancheTerms:
    """A tranche's row beside its campaign's terms."""
    switches = campaign.row
    facts = TrancheFacts(
        id=row.id,
        campaign_id=row.campaign_id,
        state=row.state,
        kind=row.kind,
        face_fen=row.face_fen,
        threshold_fen=row.threshold_fen,
        threshold_basis=row.threshold_basis,
        percent_bp=row.percent_bp,
        split=tuple((source_id, fen) for source_id, fen in row.split),
        valid_from_at=row.valid_from_at,
        valid_until_at=row.valid_until_at,
        campaign_state=switches.state,
        paused_until_at=switches.paused_until_at,
        zone=switches.zone,
        is_test=switches.is_test,
        excluded_categories=switches.excluded_categories,
        order_kinds=switches.order_kinds,
        order_numbers=switches.order_numbers,
        presence_required=switches.presence_required,
    )
    return TrancheTerms(facts, campaign)
