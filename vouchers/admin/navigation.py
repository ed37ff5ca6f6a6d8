"""The sidebar: what each page is called, and who sees it."""

from functools import cache
from typing import Any

from django.apps import apps
from django.http import HttpRequest
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from vouchers.admin.campaigns.inbox import badge
from vouchers.services.campaigns.lifecycle import DECIDE
from vouchers.services.roles import view_area

OUTSIDE_THE_ADMIN = "live"
"""The page that has an address of its own."""
INBOX = "inbox"


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Unfold's groups of links; a page of which the person sees nothing is left out."""
    groups: list[tuple[str, list[tuple[str, ...]]]] = [
        (
            "",
            [
                (_("Overview"), "dashboard", ""),
                (_("Live"), "monitoring", "vouchers.signal", OUTSIDE_THE_ADMIN),
                (_("Campaigns"), "campaign", "vouchers.campaign"),
                (_("Waits for me"), "inbox", "vouchers.proposal", INBOX),
                (_("Proposals"), "how_to_vote", "vouchers.proposal"),
                (_("Hotline"), "support_agent", "vouchers.voucher", "hotline"),
            ],
        ),
        (
            _("Distribution"),
            [
                (_("Runs"), "local_post_office", "vouchers.run"),
                (_("Tranches"), "inventory_2", "vouchers.tranche"),
                (_("Vouchers"), "confirmation_number", "vouchers.voucher"),
                (_("Vouchers on paper"), "description", "vouchers.paper"),
                (_("Presented codes"), "qr_code_2", "vouchers.presentation"),
                (_("Residents"), "groups", "vouchers.resident"),
                (_("Exclusions"), "person_off", "vouchers.exclusion"),
                (_("Proxies"), "supervisor_account", "vouchers.proxy"),
                (_("Merges"), "merge", "vouchers.residentmerge"),
                (_("Links"), "link", "vouchers.link"),
            ],
        ),
        (
            _("Money"),
            [
                (_("Redemptions"), "point_of_sale", "vouchers.redemption"),
                (_("Refunds"), "undo", "vouchers.refund"),
                (_("Settlements"), "receipt_long", "vouchers.settlement"),
                (_("Collections"), "keyboard_return", "vouchers.collection"),
                (_("Cash received"), "payments", "vouchers.cashreceipt"),
                (_("Journal"), "menu_book", "vouchers.transfer"),
            ],
        ),
        (
            _("Risk and proof"),
            [
                (_("Cases"), "gavel", "vouchers.case"),
                (_("Refused attempts"), "block", "vouchers.attempt"),
                (_("Signals"), "notifications", "vouchers.signal"),
                (_("Risk rules"), "policy", "vouchers.riskversion"),
                (_("Results of rules"), "query_stats", "vouchers.case", "rules"),
                (_("Holds"), "lock", "vouchers.hold"),
                (_("Wrong codes"), "pin", "vouchers.wrongcodes", "counted"),
                (_("Audit reports"), "verified", "vouchers.auditreport"),
                (_("Seals"), "link", "vouchers.seal"),
                (_("Changes of the set-up"), "history", "vouchers.setupchange"),
            ],
        ),
        (
            _("Merchants"),
            [
                (_("Merchants"), "storefront", "merchants.merchant"),
                (_("Stores"), "store", "merchants.store"),
                (_("Credentials"), "key", "merchants.credential"),
                (_("Webhook endpoints"), "webhook", "vouchers.webhookendpoint"),
                (_("Outbox"), "outbox", "vouchers.outbox"),
                (_("Districts"), "map", "merchants.district"),
                (_("Streets (街镇)"), "signpost", "merchants.street"),
            ],
        ),
        (
            _("People"),
            [
                (_("Users"), "person", "auth.user"),
                (_("Roles given"), "assignment_ind", "vouchers.grant"),
                (_("Roles"), "badge", "auth.group"),
                (_("Changes of roles"), "manage_history", "vouchers.rolechange"),
            ],
        ),
    ]
    shown: list[dict[str, Any]] = [
        {
            "title": title,
            "items": [_link(request, *item) for item in items if _may_see(request, *item[2:])],
        }
        for title, items in groups
    ]
    _mark_active(request, [link for group in shown for link in group["items"]])
    return [group for group in shown if group["items"]]


def _mark_active(request: HttpRequest, links: list[dict[str, Any]]) -> None:
    """The link of the page shown: the longest that its address begins with."""
    start = reverse("admin:index")
    paths = {link["link"] for link in links if request.path.startswith(link["link"])}
    within = paths if request.path == start else paths - {start}
    for link in links:
        link["active"] = link["link"] == max(within, key=len, default="")


def _may_see(request: HttpRequest, name: str, page: str = "") -> bool:
    if not name:
        return True
    if page == INBOX:
        return request.user.has_perm(DECIDE)
    model = apps.get_model(name)
    return view_area(request.user, model, at=timezone.now()).shows(model)


def _link(
    request: HttpRequest, title: str, icon: str, name: str, page: str = "changelist"
) -> dict[str, Any]:
    if page == OUTSIDE_THE_ADMIN:
        return {"title": title, "icon": icon, "link": _reversed(page, get_script_prefix())}
    waiting = badge(request) if page == INBOX else ""
    address = f"admin:{name.replace('.', '_')}_{page}" if name else "admin:index"
    link = {"title": title, "icon": icon, "link": _reversed(address, get_script_prefix())}
    return {**link, "badge": waiting} if waiting else link


@cache
def _reversed(name: str, prefix: str) -> str:
    """The address of a page, looked up once under each prefix that the program is served under."""
    return reverse(name)
