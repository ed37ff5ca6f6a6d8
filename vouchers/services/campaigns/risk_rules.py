"""The versions of a campaign's risk rules: the one in force, and the next that an approval brings.

Another version is in force for every request that begins after the approval's commit.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from merchants.errors import Refused
from vouchers.models import Campaign, Proposal, RiskVersion
from vouchers.rules.limits.risk_rules import check_change
from vouchers.services.refusals import refuse

Document = Mapping[str, Any]


def in_force(campaign: Campaign) -> tuple[int, Sequence[Document]]:
    """Number and rules of the version in force; 0 and none before the first."""
    newest = campaign.risk_versions.order_by("-number").first()
    return (0, []) if newest is None else (newest.number, newest.rules)


def rules_of(campaign: Campaign, number: int) -> Sequence[Document]:
    """The rules of a version by its number, none for 0. Refuses `figure_changed` for one that never
    was."""
    if number == 0:
        return []
    version = campaign.risk_versions.filter(number=number).first()
    if version is None:
        raise Refused("figure_changed", "as_seen", expected=number, actual=in_force(campaign)[0])
    rules: list[Document] = version.rules
    return rules


def judge(campaign: Campaign, document: Document) -> None:
    """Refuse what could not follow the version in force; the caller holds the campaign's row.

    Refuses `figure_changed`, `nothing_to_change` and `risk_rule_invalid`.
    """
    number, current = in_force(campaign)
    refuse(
        check_change(
            in_force=number,
            expected=document["expected_version"],
            rules=document["rules"],
            current=current,
        )
    )


def bring_into_force(campaign: Campaign, proposal: Proposal, at: datetime) -> None:
    """Write the version that was approved; the decision is written before."""
    judge(campaign, proposal.document)
    RiskVersion.objects.create(
        campaign=campaign,
        number=proposal.document["expected_version"] + 1,
        rules=proposal.document["rules"],
        proposal=proposal,
        in_force_at=at,
    )
