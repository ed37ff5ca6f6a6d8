"""A frozen terms document as tables that a person can decide on; nothing of it is left out."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from vouchers.admin.forms import DAY_S, ORDER_KINDS
from vouchers.models import Geofence, ResidentPoint
from vouchers.models.campaigns.campaigns import CAP_KINDS, REFUND_POLICIES
from vouchers.models.ledger.funding import THRESHOLD_BASES, TIER_KINDS
from vouchers.money import yuan
from vouchers.states import CapKind

Table = dict[str, Any]

NAMES: Mapping[str, Any] = {
    "code": gettext_lazy("code"),
    "name": gettext_lazy("name"),
    "organiser": gettext_lazy("organiser (主办)"),
    "operator": gettext_lazy("operator (承办)"),
    "zone": gettext_lazy("time zone"),
    "starts_at": gettext_lazy("starts at"),
    "ends_at": gettext_lazy("ends at"),
    "validity_s": gettext_lazy("validity of a voucher"),
    "radius_m": gettext_lazy("radius, metres"),
    "point_kinds": gettext_lazy("places that count"),
    "audience_filter": gettext_lazy("audience filter"),
    "excluded_categories": gettext_lazy("excluded categories"),
    "order_kinds": gettext_lazy("orders accepted"),
    "currency": gettext_lazy("currency"),
    "refund_policy": gettext_lazy("refunds"),
    "authorise_ttl_s": gettext_lazy("authorisation lasts, seconds"),
    "anchor_recipients": gettext_lazy("recipients of seals"),
    "is_test": gettext_lazy("test campaign"),
    "appropriated_fen": gettext_lazy("appropriated"),
    "kind": gettext_lazy("kind"),
    "face_fen": gettext_lazy("face value"),
    "threshold_fen": gettext_lazy("threshold"),
    "threshold_basis": gettext_lazy("threshold on"),
    "percent_bp": gettext_lazy("percentage, ‱"),
    "per_resident": gettext_lazy("vouchers per resident"),
    "shares_fen": gettext_lazy("shares of the face"),
    "label": gettext_lazy("label"),
    "from_m": gettext_lazy("from, metres"),
    "to_m": gettext_lazy("to, metres"),
    "number": gettext_lazy("number"),
    "opens_at": gettext_lazy("opens at"),
    "closes_at": gettext_lazy("closes at"),
    "geometry": gettext_lazy("geometry"),
    "district": gettext_lazy("district"),
    "limit_count": gettext_lazy("most redemptions"),
    "limit_fen": gettext_lazy("most subsidy"),
    "slice": gettext_lazy("slice"),
    "cap_count": gettext_lazy("cap, vouchers"),
    "cap_fen": gettext_lazy("cap on money"),
    "merchant": gettext_lazy("merchant"),
    "store": gettext_lazy("store no."),
    "category": gettext_lazy("category in the campaign"),
    "valid_from_at": gettext_lazy("from"),
    "valid_until_at": gettext_lazy("until"),
}
"""Every name a document uses, in the order they are shown."""

CHOICES: Mapping[str, Iterable[tuple[Any, Any]]] = {
    "kind": [
        *TIER_KINDS,
        *Geofence.Kind.choices,
        *((CapKind(value).name.lower(), name) for value, name in CAP_KINDS),
    ],
    "threshold_basis": THRESHOLD_BASES,
    "point_kinds": ResidentPoint.Kind.choices,
    "order_kinds": ORDER_KINDS,
    "refund_policy": REFUND_POLICIES,
}


def terms_tables(document: Mapping[str, Any]) -> list[Table]:
    """The document's parts as titled tables; instants are told in the campaign's own zone."""
    campaign = document["campaign"]
    zone = ZoneInfo(campaign["zone"])

    def tell(name: str, value: Any) -> str:
        return _told(name, value, zone)

    return [
        {
            "title": _("Campaign"),
            "headers": [],
            "rows": [[NAMES[name], tell(name, campaign[name])] for name in _ordered(campaign)],
        },
        *(
            _listed(title, document[part], tell)
            for part, title in (
                ("sources", _("Funding sources")),
                ("tiers", _("Tiers")),
                ("rings", _("Rings")),
                ("caps", _("Limits")),
                ("cells", _("Quota cells")),
                ("rounds", _("Rounds")),
                ("geofences", _("Geofences")),
                ("stores", _("Stores")),
            )
        ),
    ]


def _ordered(row: Mapping[str, Any]) -> list[str]:
    return sorted(row, key=list(NAMES).index)


def _listed(title: str, rows: list[dict[str, Any]], tell: Callable[[str, Any], str]) -> Table:
    names = _ordered(rows[0]) if rows else []
    return {
        "title": f"{title} ({len(rows)})",
        "headers": [NAMES[name] for name in names],
        "rows": [[tell(name, row[name]) for name in names] for row in rows],
    }


def _told(name: str, value: Any, zone: ZoneInfo) -> str:
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name.endswith("_at") and (at := parse_datetime(value)):
        return date_format(at.astimezone(zone), "Y-m-d H:i")
    if name == "shares_fen":
        return " + ".join(f"{source} {yuan(fen)}" for source, fen in value.items())
    if name.endswith("_fen"):
        return yuan(value)
    if name == "validity_s":
        return _("%g days") % (value / DAY_S)
    return _plain(name, value)


def _plain(name: str, value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_plain(name, part) for part in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(name, part)}" for key, part in value.items())
    return str(dict(CHOICES.get(name, ())).get(value, value))
