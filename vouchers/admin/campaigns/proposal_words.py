"""Proposals in words: what is to change, from which figure to which."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from vouchers.admin.campaigns.slices import slice_text
from vouchers.admin.rule_words import rule_text
from vouchers.models import Campaign, Proposal
from vouchers.money import yuan
from vouchers.queries.campaigns.stores import store_names
from vouchers.services.campaigns import risk_rules
from vouchers.states import ProposalKind

Line = tuple[str, str]
"""What it is about, and the figures or the sentence."""
Stores = Mapping[tuple[str, str], str]
"""Names by merchant and number."""


def proposal_lines(proposal: Proposal) -> list[Line]:
    """Line by line what an approval would do."""
    document, campaign = proposal.document, proposal.campaign
    match ProposalKind(proposal.kind):
        case ProposalKind.APPROPRIATION:
            return [_appropriation(campaign, document)]
        case ProposalKind.REPAYMENT:
            return [_repayment(campaign, document)]
        case ProposalKind.QUOTAS:
            numbers = {it["slice"]["store"] for it in document["changes"] if "store" in it["slice"]}
            stores = store_names(numbers)
            return [_quota(campaign, change, stores) for change in document["changes"]]
        case ProposalKind.RISK_RULES:
            version = _("version %d") % (document["expected_version"] + 1)
            return [(version, rule_text(rule)) for rule in document["rules"]]


def lines_to_decide_on(proposal: Proposal) -> list[Line]:
    """The same; of a risk rule that is to change also what it was."""
    if proposal.kind != ProposalKind.RISK_RULES:
        return proposal_lines(proposal)
    number = proposal.document["expected_version"]
    before = {rule["kind"]: rule for rule in risk_rules.rules_of(proposal.campaign, number)}
    lines = []
    for rule in proposal.document["rules"]:
        was = before.get(rule["kind"])
        if was == rule:
            lines.append((_("as before"), rule_text(rule)))
        else:
            change = f"{rule_text(was) if was else _('off')} → {rule_text(rule)}"
            lines.append((_("version %d") % (number + 1), change))
    return lines


def _appropriation(campaign: Campaign, document: Mapping[str, Any]) -> Line:
    before_fen, after_fen = document["expected_fen"], document["target_fen"]
    is_more = after_fen > before_fen
    figures = {
        "before": yuan(before_fen),
        "after": yuan(after_fen),
        "by": yuan(abs(after_fen - before_fen)),
    }
    change = (
        _("%(before)s → %(after)s (%(by)s more)")
        if is_more
        else _("%(before)s → %(after)s (%(by)s less)")
    )
    what = _("%(source)s appropriates in all") % {"source": _source(campaign, document["source"])}
    return what, change % figures


def _repayment(campaign: Campaign, document: Mapping[str, Any]) -> Line:
    figures = _("%(amount)s of the %(free)s that are free, under document no. %(number)s") % {
        "amount": yuan(document["amount_fen"]),
        "free": yuan(document["expected_free_fen"]),
        "number": document["document_no"],
    }
    what = _("Back to the treasury from %(source)s")
    return what % {"source": _source(campaign, document["source"])}, figures


def _quota(campaign: Campaign, change: Mapping[str, Any], stores: Stores) -> Line:
    before, after = change["expected"], change["target"]
    changes = []
    if before["fen"] != after["fen"]:
        changes.append(
            _("money from %(before)s to %(after)s")
            % {"before": _money(before["fen"]), "after": _money(after["fen"])}
        )
    if before["count"] != after["count"]:
        changes.append(
            _("from %(before)s to %(after)s")
            % {"before": _count(before["count"]), "after": _count(after["count"])}
        )
    tiers = {tier.code: tier.name for tier in campaign.tiers.all()}
    named = slice_text(change["slice"], tiers=tiers, sources=_sources(campaign), stores=stores)
    return _("Quota for %s") % named, _(", ").join(changes)


def _source(campaign: Campaign, code: str) -> str:
    return _sources(campaign).get(code, code)


def _sources(campaign: Campaign) -> dict[str, str]:
    return {source.code: source.name for source in campaign.sources.all()}


def _money(fen: int | None) -> str:
    return _("unlimited") if fen is None else yuan(fen)


def _count(count: int | None) -> str:
    if count is None:
        return _("unlimited")
    return ngettext("%(count)s voucher", "%(count)s vouchers", count) % {"count": f"{count:,}"}
