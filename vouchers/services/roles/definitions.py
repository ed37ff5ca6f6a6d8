"""The five roles and what each may do; a role is one of Django's groups of permissions."""

from collections.abc import Iterable, Mapping
from typing import Final

from django.contrib.auth.models import Group, Permission

_CAMPAIGN_PARTS: Final = (
    "campaign",
    "campaignstore",
    "limitrule",
    "exclusion",
    "fundingsource",
    "geofence",
    "quotacell",
    "ring",
    "round",
    "tier",
    "tiersplit",
)
_MERCHANT_PARTS: Final = ("merchant", "store", "storelocation", "terminal", "credential")


def _all(actions: Iterable[str], app: str, models: Iterable[str]) -> list[str]:
    return [f"{app}.{action}_{model}" for model in models for action in actions]


ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "manager": (
        *_all(("add", "change", "delete"), "vouchers", _CAMPAIGN_PARTS),
        "vouchers.add_run",
        "vouchers.add_cashreceipt",
        "vouchers.add_collection",
        "vouchers.add_riskversion",
        "vouchers.pause_campaign",
    ),
    "approver": ("vouchers.add_approval",),
    "risk officer": (
        "vouchers.pause_campaign",
        *_all(("add", "change"), "vouchers", ("hold", "exclusion")),
        "vouchers.change_case",
        "vouchers.change_resident",
        "vouchers.change_paper",
        "vouchers.delete_wrongcodes",
        "vouchers.add_riskversion",
    ),
    "operator": (
        "vouchers.add_run",
        *_all(("add", "change"), "merchants", _MERCHANT_PARTS),
        "merchants.add_district",
        "vouchers.change_paper",
        *_all(("add", "change"), "vouchers", ("webhookendpoint",)),
    ),
    "auditor": (),
}
"""Beside what is named here, every role sees everything in the area of its grant."""


def sync_roles(*, using: str) -> None:
    """Make each role's group have exactly its permissions; called after every migration."""
    permissions = {
        f"{item.content_type.app_label}.{item.codename}": item
        for item in Permission.objects.using(using)
        .filter(content_type__app_label__in=["merchants", "vouchers"])
        .select_related("content_type")
    }
    views = [item for name, item in permissions.items() if ".view_" in name]
    for role, names in ROLES.items():
        group, _ = Group.objects.using(using).get_or_create(name=role)
        group.permissions.set([*views, *(permissions[name] for name in names)])
