"""The first page: campaigns under way, today's redemptions and refusals, where the money is."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from vouchers.admin.campaigns.overview import Bar, Segment, budget_bar, count_bars
from vouchers.admin.proofs import first_broken
from vouchers.http.refusal_names import refusal_name
from vouchers.models import AuditReport
from vouchers.money import yuan
from vouchers.queries.campaigns.inbox import came_back, proposals_waiting, terms_waiting
from vouchers.queries.campaigns.overview import (
    Figures,
    figures_of,
    redeemed_by_day,
    redeemed_on,
    refusals_since,
    under_way,
)
from vouchers.queries.ledger.balances import identity_rows
from vouchers.queries.roles import Area
from vouchers.services.roles import area_of, visible

DAYS_SHOWN = 14
REFUSALS_SHOWN = 10
CAMPAIGNS_SHOWN = 8
VIEW = "vouchers.view_campaign"


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK; shows only what the user may see."""
    user: Any = request.user
    if not user.has_perm(VIEW):
        return context
    report = visible(user, AuditReport.objects.all(), at=timezone.now()).first()
    today = timezone.localdate()
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    area = area_of(user, VIEW, at=timezone.now())
    refusals = refusals_since(midnight, area=area)
    return {
        **context,
        "cards": _cards(redeemed_on(today, area=area), sum(count for _code, count in refusals)),
        "campaigns": _campaigns(user, area),
        "waiting": terms_waiting().select_related("campaign"),
        "proposals": proposals_waiting().select_related("campaign"),
        "came_back": came_back(),
        "refusals": count_bars(
            {refusal_name(code): count for code, count in refusals[:REFUSALS_SHOWN]}, kind="refused"
        ),
        "days": _days(area),
        "is_city": area.is_city,
        "report": report,
        "broken": report and _broken(report),
    }


def _broken(report: AuditReport) -> dict[str, Any] | None:
    broken = first_broken(report)
    return broken and {**broken, "statement": _(broken["statement"])}


def _cards(today: Figures, refused_count: int) -> list[tuple[str, str, str]]:
    return [
        (_("Redeemed today"), f"{today.redeemed_count:,}", _("vouchers")),
        (_("Subsidy today"), yuan(today.discount_fen), _("leverage ×%.1f") % today.leverage),
        (_("Orders today"), yuan(today.order_fen), _("with a voucher")),
        (_("Refused today"), f"{refused_count:,}", _("attempts")),
    ]


def _campaigns(user: User, area: Area) -> list[dict[str, Any]]:
    """Where the money is belongs to the whole city; a district has what its stores have taken."""
    found = visible(user, under_way(scheduled=True), at=timezone.now())
    campaigns = list(found[:CAMPAIGNS_SHOWN])
    figures = figures_of((campaign.pk for campaign in campaigns), area=area)
    return [
        {
            "campaign": campaign,
            "url": reverse("admin:vouchers_campaign_change", args=[campaign.pk]),
            "summary": _summary(figures[campaign.pk], area),
            "bars": [budget_bar(row) for row in identity_rows(campaign.pk)] if area.is_city else [],
        }
        for campaign in campaigns
    ]


def _summary(figures: Figures, area: Area) -> str:
    if not area.is_city:
        return _("%(redeemed)s redeemed in your area · %(amount)s · leverage ×%(leverage).1f") % {
            "redeemed": f"{figures.redeemed_count:,}",
            "amount": yuan(figures.discount_fen),
            "leverage": figures.leverage,
        }
    return _(
        "%(issued)s issued · %(redeemed)s redeemed (%(pct).1f %%) · leverage ×%(leverage).1f"
    ) % {
        "issued": f"{figures.issued_count:,}",
        "redeemed": f"{figures.redeemed_count:,}",
        "pct": figures.redeemed_pct,
        "leverage": figures.leverage,
    }


def _days(area: Area) -> list[Bar]:
    since = timezone.localdate() - timedelta(days=DAYS_SHOWN - 1)
    rows = redeemed_by_day(since=since, area=area)
    most = max((count for _day, count, _fen in rows), default=0) or 1
    return [
        Bar(
            f"{day:%m-%d}",
            f"{count:,} · {yuan(fen)}",
            [Segment("redeemed", "", "", 0.0, 100 * count / most)],
        )
        for day, count, fen in rows
    ]
