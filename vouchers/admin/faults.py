"""Refusals of management as sentences: what is wrong with the terms, rule by rule."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.formats import localize
from django.utils.text import capfirst
from django.utils.timezone import get_current_timezone, localtime
from django.utils.translation import gettext_lazy as _

from merchants.errors import Refusal
from vouchers.admin.rule_words import spoken_facts
from vouchers.admin.words import in_words, label
from vouchers.errors import explain
from vouchers.models.campaigns.campaigns import CAMPAIGN_STATES, LIMIT_KINDS
from vouchers.models.issuing.runs import RUN_STATES
from vouchers.models.ledger.transfers import ACCOUNT_KINDS
from vouchers.money import yuan
from vouchers.rules.campaigns.declaration import OPTIONS, Option
from vouchers.rules.campaigns.terms import CELLS_DO_NOT_NEST, DATES_CROSS, INVALID
from vouchers.states import LimitKind

STATES: Mapping[str, Any] = {**dict(RUN_STATES), **dict(CAMPAIGN_STATES)}
"""Of campaigns and of runs; they share no name but `paused`."""

FAULTS: Mapping[str, Any] = {
    "ends_after_start": _("The campaign must end after it starts."),
    "campaign_ends_after_start": _("The campaign must end after it starts."),
    "not_over_yet": _("The campaign's end has already passed."),
    "at_least": _("{option}: at least {least}."),
    "at_most": _("{option}: at most {most}."),
    "option_fixed": _("{option} is given once and never changed."),
    "part_in_use": _("{part} is used by a quota and cannot be deleted."),
    "has_tiers": _("There is no tier yet."),
    "has_sources": _("There is no funding source yet."),
    "has_stores": _("No store takes part yet."),
    "has_point_kinds": _("No kind of place (home, work, recent) counts yet."),
    "point_kinds_known": _("No resident has places of the kind {kind}."),
    "radius_in_range": _("A radius must lie between 1 m and {most_m} m."),
    "selection_method_known": _("There is no way {method} to say who comes first."),
    "need_weight_known": _("Need cannot be counted by {name}."),
    "need_weight_in_range": _(
        "The points for {name} must be a whole number from 1 to {most_points}."
    ),
    "need_weights_count": _(
        "Points for need are given, but another way decides who comes first. Choose the highest"
        " need, or leave the points out."
    ),
    "guaranteed_shares_fit": _("The guaranteed shares are more than the whole together."),
    "hold_out_in_range": _("The control group is at most 20 % of the audience."),
    "filter_known": _("The audience filter cannot be applied: {problem}"),
    "area_malformed": _(
        "Polygon {number} is not a GeoJSON Polygon or MultiPolygon whose rings end where they"
        " begin."
    ),
    "area_too_detailed": _("Polygon {number} has too many corners. Draw it simpler."),
    "area_coordinates": _(
        "Polygon {number} has a corner that can't be used. Longitude comes before latitude, in"
        " WGS-84; none lies beyond 60 degrees of latitude, beyond 179.8 of longitude or at 0, 0."
    ),
    "area_crosses_itself": _(
        "Edges of polygon {number} cross: it is unclear what lies inside."
        " Draw it without crossings."
    ),
    "area_empty": _("Polygon {number} encloses nothing."),
    "source_appropriated": _("The source {source} has appropriated nothing yet."),
    "threshold_above_face": _("The threshold of {tier} must be above its face value."),
    "percentage_in_range": _("The percentage of {tier} must lie between 0 and 100."),
    "share_of_known_source": _("{tier} names a source {source} that the campaign lacks."),
    "shares_add_up": _("The shares of {tier} miss its face value by {off}."),
    "rings_from_zero": _("The first ring, {ring}, must begin at 0 m."),
    "rings_contiguous": _("Ring {ring} must begin where ring {after} ends."),
    "rings_reach_radius": _("The rings end at {to_m} m but a store reaches {radius_m} m."),
    "round_within_campaign": _("Round {round} must lie within the campaign."),
    "rounds_apart": _("Round {round} opens before the one before it closes."),
    "limits_nest": _("The limit {wide} must not be below the limit {narrow}."),
    "enough_approve": _(
        "{needed} people have to approve it who have not edited these terms; there are {able}."
    ),
    "cash_arrived": _(
        "No cash of {source} has arrived. Vouchers can be issued; merchants are paid when it does."
    ),
    "validity_within_campaign": _(
        "A voucher would be valid for longer than the campaign lasts; it ends with the campaign."
    ),
    "within_one_year": _(
        "The campaign goes beyond the end of the year: will the budget still be there?"
    ),
    "tried_in_sandbox": _("No till of its merchants has redeemed in a test campaign yet."),
    "streets_on_file": _(
        "No street on file is called {streets}: nobody is reached there. Check the spelling."
    ),
    "store_known": _("There is no store {store} of {merchant} any more."),
    "zone_known": _("There is no such time zone."),
    "currency_known": _("{currency} is not a currency code."),
    "refund_policy_known": _("There is no way {policy} to handle refunds."),
    "recipient_known": _("{address} is neither a web (https) nor an e-mail address."),
    "round_closes_after_opening": _("A round must close after it opens."),
    "round_way_known": _("There is no such way to hand out a round."),
    "participation_ends_after_start": _("A store's part must end after it begins."),
    "part_stays": _("{part} must stay as it was approved."),
    "ends_no_earlier": _("The campaign must not end earlier than {ends_at}."),
    "validity_no_shorter": _("A voucher's validity must not become shorter, nor last for ever."),
    "limits_stay": _("Limits stay as they are: each can be raised or lifted, none is added."),
    "limit_no_lower": _(
        "{row}: a limit can only be raised, to 2,147,483,647 redemptions at most, or be lifted."
        " Tills are held back by risk rules."
    ),
    "stores_stay": _("The stores that take part must stay."),
    "store_joins_once": _("{store} takes part already."),
    "store_joins_now": _("{store} can only join at the approval, and to the end."),
    "cells_differ": _("There are two quota cells for {cell}."),
    "cells_nest": _("The quota of {narrow} is larger than that of {wide}, which holds it."),
    "budget_covers": _("The quotas plan {planned} of {source}, which appropriated {appropriated}."),
    "campaign_radius_positive": _("A radius must be above 0 m."),
    "participation_radius_positive": _("A radius must be above 0 m."),
    "authorisation_lasts_a_while": _("An authorisation must last for some time."),
    "one_round_per_number": _("There are two rounds of this number."),
    "one_open_participation_per_store": _("A store takes part twice at the same time."),
    "one_ring_per_label": _("There are two rings of this label."),
    "ring_not_empty": _("A ring must end beyond where it begins."),
    "geofence_has_its_area": _("A geofence needs a polygon, a district or a street, and only one."),
    "one_limit_per_kind": _("There are two limits of this kind."),
    "limit_has_a_figure": _("A limit needs a number of redemptions, an amount, or both."),
    "limit_fen_not_negative": _("A limit's amount must not be negative."),
    "face_positive": _("The face value must be above zero."),
    "threshold_not_negative": _("The threshold must not be negative."),
    "percentage_only_for_percent_tiers": _(
        "A percentage tier needs a percentage between 0 and 100; no other tier has one."
    ),
    "per_resident_positive": _("A resident must get at least one voucher."),
    "one_share_per_source": _("A source has two shares of the face."),
    "share_positive": _("A share of the face must be above zero."),
    "one_cell_per_slice": _("There are two quota cells for the same slice."),
    "cell_cap_fen_valid": _("A quota must not be negative."),
    "cell_cap_count_valid": _("A quota must not be negative."),
    "cell_bucket_count_valid": _("A quota has between 1 and 64 sub-buckets."),
    "campaign_code_key": _("This code is in use."),
    "vouchers_campaign_code_key": _("This code is in use."),
    "one_source_per_code": _("This code is in use."),
    "one_tier_per_code": _("This code is in use."),
}

FIELDS_OF_RULES: Mapping[str, str] = {
    "campaign_ends_after_start": "ends_at",
    "campaign_radius_positive": "radius_m",
    "authorisation_lasts_a_while": "authorise_ttl_s",
    "zone_known": "zone",
    "refund_policy_known": "refund_policy",
    "guaranteed_shares_fit": "senior_share_bp",
    "hold_out_in_range": "hold_out_bp",
    "campaign_code_key": "code",
    "vouchers_campaign_code_key": "code",
    "one_tier_per_code": "code",
    "face_positive": "face_fen",
    "threshold_not_negative": "threshold_fen",
    "threshold_above_face": "threshold_fen",
    "percentage_only_for_percent_tiers": "percent_bp",
    "per_resident_positive": "per_resident",
}
"""Beside which field of a form a refusal is shown, by its rule."""

TOLD_BY_RULE = {INVALID, DATES_CROSS, CELLS_DO_NOT_NEST, "amendment_worsens"}


def sentence(refusal: Refusal, language: str) -> str:
    """The refusal in the reader's language; a fault of the terms names the field, and one of a risk
    rule the figure."""
    if refusal.code == "risk_rule_invalid":
        spoken = Refusal(refusal.code, refusal.rule, spoken_facts(refusal.facts))
        return explain(spoken, language)
    option = OPTIONS.get(str(refusal.facts.get("option")))
    facts = {name: _spoken(name, value, option) for name, value in refusal.facts.items()}
    # With their offset: `explain` says them as a cashier does.
    facts |= {name: at.isoformat() for name, at in _instants(facts)}
    if refusal.code in TOLD_BY_RULE and refusal.rule in FAULTS:
        amounts = {
            name.removesuffix("_fen"): yuan(value)
            for name, value in refusal.facts.items()
            if name.endswith("_fen") and isinstance(value, int)
        }
        instants = {name: localize(at) for name, at in _instants(facts)}
        return str(FAULTS[refusal.rule]).format(**{**facts, **amounts, **instants})
    return explain(Refusal(refusal.code, refusal.rule, facts), language)


def _instants(facts: Mapping[str, Any]) -> Iterator[tuple[str, datetime]]:
    """The instants among facts, in the time of the installation."""
    for name, value in facts.items():
        at = parse_datetime(value) if name.endswith("_at") and isinstance(value, str) else None
        if at is not None and at.tzinfo is not None:
            yield name, localtime(at)


def _spoken(name: str, value: Any, option: Option | None = None) -> Any:
    if option and name == "option":
        return capfirst(label(option))
    if option and name in {"least", "most"}:
        return in_words(option, value, get_current_timezone())
    if name in {"state", "wanted"}:
        return str(STATES.get(value, value))
    if name == "account":
        return str(dict(ACCOUNT_KINDS).get(value, value))
    if (
        name in {"narrow", "wide", "row"}
        and isinstance(value, str)
        and value.upper() in LimitKind.__members__
    ):
        return str(dict(LIMIT_KINDS)[LimitKind[value.upper()].value])
    return value
