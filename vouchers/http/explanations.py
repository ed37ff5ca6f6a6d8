"""An explanation of targeting in words and metres, for people and as JSON for channels."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from merchants.models import District, Store, Street
from vouchers.models import Campaign, Resident, ResidentPoint
from vouchers.rules.issuing.outcomes import Outcome
from vouchers.services.audience.explain import Explained
from vouchers.services.audience.explain_run import ExplainedRun

REASONS: Final[Mapping[str, Any]] = {
    "sandbox": _("the resident or the campaign is of the sandbox, the other is not"),
    "not_active": _("deceased or erased"),
    "frozen": _("frozen"),
    "merged": _("counted as another resident"),
    "no_consent": _("no consent"),
    "excluded": _("excluded"),
    "filtered": _("not of the audience wanted"),
    "outside_district": _("lives in another district"),
    "no_point": _("no place known"),
    "bad_coordinates": _("coordinates unusable"),
    "outside": _("outside every circle"),
    "outside_streets": _("within reach, but in another street (街镇)"),
}
PHRASES: Final[Mapping[str, Callable[[Any], str]]] = {
    "age_min": lambda value: gettext("at least %d years old") % value,
    "age_max": lambda value: gettext("at most %d years old") % value,
    "districts": lambda value: gettext("lives in %s") % ", ".join(map(district_name, value)),
    "streets": lambda value: gettext("lives in the street of %s") % ", ".join(value),
    "is_registered": lambda value: (
        gettext("registered household (户籍)")
        if value
        else gettext("no registered household (户籍)")
    ),
    "has_residence_permit": lambda value: (
        gettext("with a residence permit") if value else gettext("without a residence permit")
    ),
    "need_score_min": lambda value: gettext("need score of at least %d") % value,
    "tags_all": lambda value: gettext("has all of the tags %s") % _listed(value),
    "tags_any": lambda value: gettext("has one of the tags %s") % _listed(value),
    "is_first_time": lambda value: (
        gettext("never used a voucher at these merchants")
        if value
        else gettext("has used a voucher at these merchants")
    ),
    "last_visit_days_min": lambda value: gettext("last visit at least %d days ago") % value,
    "last_visit_days_max": lambda value: gettext("last visit at most %d days ago") % value,
}
"""The conditions of an audience filter in words."""


class ExplainedStore(msgspec.Struct, frozen=True):
    """The store that decides, as its merchant numbers it."""

    merchant: str
    store: str
    name: str


class Explanation(msgspec.Struct, frozen=True):
    """What a channel reads; metres to one decimal. `conditions` are names of unmet ones."""

    resident: str
    campaign: str
    targeted: bool
    reason: str | None
    conditions: list[str]
    point: str | None
    store: ExplainedStore | None
    distance_m: float | None
    outside_m: float | None
    ring: str | None
    because: str
    because_zh: str
    asked_at: datetime


def explanation(
    said: Explained, *, resident: Resident, campaign: Campaign, at: datetime
) -> Explanation:
    """The explanation for a channel, with its sentence in both languages."""
    store = _store(said)
    texts = []
    for language in ("en", "zh-hans"):
        with translation.override(language):
            texts.append(sentence(said))
    return Explanation(
        resident=resident.external_id,
        campaign=campaign.code,
        targeted=said.reason is None,
        reason=said.reason,
        conditions=list(said.conditions),
        point=said.point_kind,
        store=ExplainedStore(store.merchant.code, store.external_id, store.name) if store else None,
        distance_m=_metres(said.distance_m),
        outside_m=_metres(said.outside_m),
        ring=said.ring or None,
        because=texts[0],
        because_zh=texts[1],
        asked_at=at,
    )


def sentence(said: Explained) -> str:
    """The deciding point, store and distance, or the rule, in the language in force."""
    store = _store(said)
    facts = {
        "point": dict(ResidentPoint.Kind.choices).get(said.point_kind or "", ""),
        "store": store.name if store else "",
        "distance_m": f"{said.distance_m or 0:,.0f}",
        "outside_m": f"{said.outside_m or 0:,.1f}",
        "ring": said.ring or "–",
    }
    if said.is_in_area and said.reason is None:
        return (
            gettext(
                "targeted: %(point)s lies in an area of the campaign, nearest participating store"
                " %(store)s %(distance_m)s m"
            )
            % facts
        )
    if said.reason is None:
        return (
            gettext(
                "targeted: %(point)s, nearest participating store %(store)s %(distance_m)s m,"
                " ring %(ring)s"
            )
            % facts
        )
    if said.streets:
        facts["streets"] = ", ".join(map(street_name, said.streets))
        return (
            gettext(
                "not targeted: %(point)s is within reach, %(distance_m)s m from %(store)s, but in"
                " none of the streets (街镇) that count: %(streets)s"
            )
            % facts
        )
    if said.store_id is not None:
        return _outside(said, facts)
    text = gettext("not targeted: %s") % reason_name(said.reason)
    if said.fault:
        return f"{text}: {facts['point']} ({gettext(said.fault.sentence)})"
    if said.conditions:
        asked = (PHRASES[name](value) for name, value in said.conditions.items())
        return f"{text} ({' · '.join(asked)})"
    if said.districts:
        counting = ", ".join(map(district_name, said.districts))
        return gettext("%(why)s (those that count: %(counting)s)") % {
            "why": text,
            "counting": counting,
        }
    if said.kinds:
        names = dict(ResidentPoint.Kind.choices)
        counting = ", ".join(str(names[kind]) for kind in said.kinds)
        return gettext("not targeted: no place of a kind that counts is known (%s)") % counting
    return text


def _outside(said: Explained, facts: Mapping[str, Any]) -> str:
    if said.has_areas:
        return (
            gettext(
                "not targeted: %(point)s is in none of the campaign's areas and %(outside_m)s m"
                " outside the circle of %(store)s (%(distance_m)s m away)"
            )
            % facts
        )
    return (
        gettext(
            "not targeted: %(point)s is %(outside_m)s m outside the circle of %(store)s"
            " (%(distance_m)s m away)"
        )
        % facts
    )


OUTCOMES: Final[Mapping[Outcome, Any]] = {
    Outcome.ISSUED: _("issued"),
    Outcome.RESERVED: _("chosen, not issued yet"),
    Outcome.RETURNED: _("chosen, but the run was cancelled before it was issued"),
    Outcome.WAITING: _("not chosen yet"),
    Outcome.HOLD_OUT: _("in the control group"),
    Outcome.DISTRICT_UNKNOWN: _("no district on file, by which the quota is divided"),
    Outcome.ALREADY_SERVED: _("served by an earlier run of the round"),
    Outcome.QUOTA: _("the quota went to those who come first by the terms"),
}


def run_sentence(said: ExplainedRun) -> str:
    """What a run kept of one resident: whether it reached them, then tier by tier."""
    if said.targeted is None:
        return gettext("the run has not found its audience yet")
    if said.is_changed and said.targeted.reason is None:
        return gettext(
            "not targeted by the run: what was on file then has changed since, and would reach now"
        )
    parts = [sentence(said.targeted)]
    parts += [
        f"{each.tier} × {each.vouchers}: {OUTCOMES[each.outcome]}"
        if each.vouchers
        else f"{each.tier}: {OUTCOMES[each.outcome]}"
        for each in said.outcomes
    ]
    if said.is_changed:
        parts.append(gettext("judged by what is on file now, which has changed since the run"))
    return "; ".join(parts)


def reason_name(code: str) -> str:
    """The reason for not being targeted, in a few words."""
    return str(REASONS.get(code, code))


def district_name(adcode: Any) -> str:
    """The district on file, or its code."""
    found = District.objects.filter(pk=adcode).values_list("name", flat=True).first()
    return str(found or adcode)


def street_name(code: Any) -> str:
    """The street on file with its district, or its code."""
    found = Street.objects.filter(pk=code).select_related("district").first()
    return str(found or code)


def _listed(values: Iterable[int]) -> str:
    return ", ".join(map(str, values))


def _store(said: Explained) -> Store | None:
    if said.store_id is None:
        return None
    return Store.objects.select_related("merchant").get(pk=said.store_id)


def _metres(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
