"""How many a campaign reaches as its terms stand, counted while they are edited: for the map, which
draws where they live, and for the panel of the set-up page."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import get_language

from merchants.errors import Refused
from vouchers.admin.campaigns.overview import count_text
from vouchers.admin.campaigns.page import CampaignPage
from vouchers.admin.faults import sentence
from vouchers.admin.words import instant
from vouchers.http.base_map import BaseMap
from vouchers.models import Campaign
from vouchers.rules.audience.density import Inhabited
from vouchers.services.audience.counting import counted_pct
from vouchers.services.audience.preview import Counted, last_preview, preview
from vouchers.services.roles import area_of

VIEW = "vouchers.view_campaign"


class ReachActs(CampaignPage):
    """The act that counts again whom the campaign reaches."""

    def reach(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """POST, since every count is kept in the campaign's history: the words of a fresh count and
        the blocks of its density, as JSON. GET: how far the count under way is, if it is known."""
        campaign = get_object_or_404(Campaign, pk=object_id)
        user: Any = request.user
        if not may_count(user):
            raise PermissionDenied
        if request.method == "GET":
            return JsonResponse({"percent": counted_pct(campaign=campaign, by=user)})
        if request.method != "POST":
            return HttpResponseNotAllowed(["GET", "POST"])
        try:
            found = preview(campaign=campaign, by=user, at=timezone.now(), is_mapped=True)
        except Refused as refused:
            said = sentence(refused.refusal, get_language() or "en")
            return JsonResponse({"refused": said}, status=HTTPStatus.CONFLICT)
        words = render_to_string(
            "vouchers/reach_words.html", words_of(campaign, last_preview(campaign))
        )
        return JsonResponse({"words": words, "density": _on_base(found.density)})

    def get_urls(self) -> list[URLPattern]:
        """With the address that counts."""
        view = self.admin_site.admin_view(self.reach)
        name = "vouchers_campaign_reach"
        return [path("<path:object_id>/reach/", view, name=name), *super().get_urls()]


def _on_base(blocks: Sequence[Inhabited]) -> list[Inhabited]:
    """Blocks as they are drawn on the tiles that lie under the map."""
    corners = BaseMap.of_settings().points(
        [block.west_deg for block in blocks], [block.south_deg for block in blocks]
    )
    return [
        block._replace(west_deg=west, south_deg=south)
        for block, (west, south) in zip(blocks, corners, strict=True)
    ]


def may_count(user: Any) -> bool:
    """Whether a person may: an audience is the whole city's."""
    return area_of(user, VIEW, at=timezone.now()).is_city


def reach_context(user: Any, campaign: Campaign, reach: Counted | None) -> dict[str, Any]:
    """What the box of the last count asks for."""
    return {
        "may_count": may_count(user),
        "reach_url": reverse("admin:vouchers_campaign_reach", args=[campaign.pk]),
        **words_of(campaign, reach),
    }


def words_of(campaign: Campaign, reach: Counted | None) -> dict[str, Any]:
    """A count in words, with its instant on the campaign's clocks; None before the first."""
    return {
        "reach": reach,
        "counted_at": instant(reach.at, ZoneInfo(campaign.zone)) if reach else "",
        "targeted": count_text(reach.targeted) if reach else "",
        "examined": count_text(reach.examined) if reach else "",
    }
