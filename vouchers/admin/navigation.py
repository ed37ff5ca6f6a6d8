"""The sidebar: what each page is called, and who sees it."""

from functools import cache
from typing import Any, Final, NamedTuple

from django.apps import apps
from django.http import HttpRequest
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from vouchers.admin.campaigns.inbox import badge
from vouchers.services.campaigns.lifecycle import DECIDE
from vouchers.services.roles import view_area

OUTSIDE_THE_ADMIN = "live"
"""The page that has an address of its own."""
INBOX = "inbox"


class Page(NamedTuple):
    """A link: its title and icon, the model that decides who sees it, and the model's page."""

    title: Any
    icon: str
    model: str = ""
    page: str = "changelist"


GROUPS: Final[tuple[tuple[Any, tuple[Page, ...]], ...]] = (
    (
        "",
        (
            Page(_("Overview"), "dashboard"),
            Page(_("Live"), "monitoring", "vouchers.signal", OUTSIDE_THE_ADMIN),
            Page(_("Campaigns"), "campaign", "vouchers.campaign"),
            Page(_("Waits for me"), "inbox", "vouchers.proposal", INBOX),
            Page(_("Proposals"), "how_to_vote", "vouchers.proposal"),
            Page(_("Hotline"), "support_agent", "vouchers.voucher", "hotline"),
        ),
    ),
    (
        _("Distribution"),
        (
            Page(_("Runs"), "local_post_office", "vouchers.run"),
            Page(_("Tranches"), "inventory_2", "vouchers.tranche"),
            Page(_("Vouchers"), "confirmation_number", "vouchers.voucher"),
            Page(_("Vouchers on paper"), "description", "vouchers.paper"),
            Page(_("Presented codes"), "qr_code_2", "vouchers.presentation"),
            Page(_("Residents"), "groups", "vouchers.resident"),
            Page(_("Exclusions"), "person_off", "vouchers.exclusion"),
            Page(_("Proxies"), "supervisor_account", "vouchers.proxy"),
            Page(_("Merges"), "merge", "vouchers.residentmerge"),
            Page(_("Links"), "link", "vouchers.link"),
        ),
    ),
    (
        _("Money"),
        (
            Page(_("Redemptions"), "point_of_sale", "vouchers.redemption"),
            Page(_("Refunds"), "undo", "vouchers.refund"),
            Page(_("Settlements"), "receipt_long", "vouchers.settlement"),
            Page(_("Collections"), "keyboard_return", "vouchers.collection"),
            Page(_("Cash received"), "payments", "vouchers.cashreceipt"),
            Page(_("Journal"), "menu_book", "vouchers.transfer"),
        ),
    ),
    (
        _("Risk and proof"),
        (
            Page(_("Cases"), "gavel", "vouchers.case"),
            Page(_("Refused attempts"), "block", "vouchers.attempt"),
            Page(_("Signals"), "notifications", "vouchers.signal"),
            Page(_("Risk rules"), "policy", "vouchers.riskversion"),
            Page(_("Results of rules"), "query_stats", "vouchers.case", "rules"),
            Page(_("Holds"), "lock", "vouchers.hold"),
            Page(_("Wrong codes"), "pin", "vouchers.wrongcodes", "counted"),
            Page(_("Audit reports"), "verified", "vouchers.auditreport"),
            Page(_("Seals"), "link", "vouchers.seal"),
            Page(_("Changes of the set-up"), "history", "vouchers.setupchange"),
        ),
    ),
    (
        _("Merchants"),
        (
            Page(_("Merchants"), "storefront", "merchants.merchant"),
            Page(_("Stores"), "store", "merchants.store"),
            Page(_("Terminals"), "point_of_sale", "merchants.terminal"),
            Page(_("Credentials"), "key", "merchants.credential"),
            Page(_("Webhook endpoints"), "webhook", "vouchers.webhookendpoint"),
            Page(_("Outbox"), "outbox", "vouchers.outbox"),
            Page(_("Districts"), "map", "merchants.district"),
            Page(_("Streets (街镇)"), "signpost", "merchants.street"),
        ),
    ),
    (
        _("People"),
        (
            Page(_("Users"), "person", "auth.user"),
            Page(_("Roles given"), "assignment_ind", "vouchers.grant"),
            Page(_("Roles"), "badge", "auth.group"),
            Page(_("Changes of roles"), "manage_history", "vouchers.rolechange"),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Unfold's groups of links; a page of which the person sees nothing is left out."""
    shown: list[dict[str, Any]] = [
        {
            "title": title,
            "items": [_link(request, page) for page in pages if _may_see(request, page)],
        }
        for title, pages in GROUPS
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


def _may_see(request: HttpRequest, page: Page) -> bool:
    if not page.model:
        return True
    if page.page == INBOX:
        return request.user.has_perm(DECIDE)
    model = apps.get_model(page.model)
    return view_area(request.user, model, at=timezone.now()).shows(model)


def _link(request: HttpRequest, page: Page) -> dict[str, Any]:
    link = {
        "title": page.title,
        "icon": page.icon,
        "link": _reversed(_address_of(page), get_script_prefix()),
    }
    waiting = badge(request) if page.page == INBOX else ""
    return {**link, "badge": waiting} if waiting else link


def _address_of(page: Page) -> str:
    if page.page == OUTSIDE_THE_ADMIN:
        return page.page
    return f"admin:{page.model.replace('.', '_')}_{page.page}" if page.model else "admin:index"


@cache
def _reversed(name: str, prefix: str) -> str:
    """The address of a page, looked up once under each prefix that the program is served under."""
    return reverse(name)
