"""The map of a campaign: its stores with their circles and rings, its polygons, the districts."""

import json
from typing import Any

import msgspec
from django import forms
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextareaWidget

from merchants.geo import MOST_CORNERS, Datum
from vouchers.admin.base import act
from vouchers.admin.campaigns.drafts import is_draft
from vouchers.admin.campaigns.page import CampaignPage
from vouchers.admin.campaigns.reach import reach_context
from vouchers.http.base_map import BaseMap, drawn_in_wgs84
from vouchers.models import Campaign, Geofence
from vouchers.queries.audience import CampaignMap, Shape, map_of
from vouchers.services.audience.preview import last_preview
from vouchers.services.campaigns import drafts, terms
from vouchers.services.roles import area_of

NO_POLYGONS = gettext_lazy("This is not a GeometryCollection of Polygons; nothing was saved.")


class PolygonsForm(forms.Form):
    """All polygons of a draft as one GeoJSON text, drawn on the map or typed beside it."""

    seen_edit = forms.IntegerField(widget=forms.HiddenInput)
    # Of the tiles that they were drawn on; what is typed is in WGS-84.
    datum = forms.ChoiceField(
        choices=[(datum, datum) for datum in (Datum.WGS_84, Datum.GCJ_02)],
        widget=forms.HiddenInput,
        required=False,
    )
    polygons = forms.CharField(
        label=gettext_lazy("Polygons as GeoJSON"),
        help_text=gettext_lazy(
            "A GeometryCollection of Polygons, longitude before latitude, WGS-84. Drawing on the"
            " map writes it here; it may also be typed or pasted."
        ),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6, "spellcheck": "false"}),
    )

    def clean_polygons(self) -> list[dict[str, Any]]:
        """The geometries; their form is judged by the service."""
        try:
            found = json.loads(self.cleaned_data["polygons"])["geometries"]
            vertices = sum(len(ring) for geometry in found for ring in geometry["coordinates"])
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ValidationError(NO_POLYGONS) from error
        if vertices > MOST_CORNERS:
            raise ValidationError(
                _("The polygons have %(count)s corners; %(most)s are the most. Draw them simpler.")
                % {"count": f"{vertices:,}", "most": f"{MOST_CORNERS:,}"}
            )
        try:
            datum = Datum(self.cleaned_data.get("datum") or Datum.WGS_84)
            return [dict(drawn_in_wgs84(geometry, datum)) for geometry in found]
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise ValidationError(NO_POLYGONS) from error


class MapActs(CampaignPage):
    """The map of a campaign, and what it draws."""

    @action(description=gettext_lazy("Map"), icon="map")
    def map(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return map_page(self.admin_site, request, get_object_or_404(Campaign, pk=object_id))

    def map_data(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What the map draws, as JSON."""
        campaign = get_object_or_404(Campaign, pk=object_id)
        _check_view(request)
        content = msgspec.json.encode(_on_base(_drawn(request, campaign), BaseMap.of_settings()))
        return HttpResponse(content, content_type="application/json")

    def get_urls(self) -> list[URLPattern]:
        """With the address of the data."""
        view = self.admin_site.admin_view(self.map_data)
        name = "vouchers_campaign_map_data"
        return [path("<path:object_id>/map/data/", view, name=name), *super().get_urls()]


def map_page(site: AdminSite, request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """GET shows the map; POST saves a draft's polygons."""
    _check_view(request)
    form = PolygonsForm(request.POST or None)
    may_edit = is_draft(campaign) and request.user.has_perm(terms.EDIT)
    if request.method == "POST":
        if not may_edit:
            raise PermissionDenied
        if form.is_valid() and _save(request, campaign, form.cleaned_data):
            return redirect("admin:vouchers_campaign_map", campaign.pk)
    shown = _drawn(request, campaign)
    geometries = [area.geometry for area in shown.polygons]
    initial = {
        "seen_edit": drafts.newest_edit(campaign),
        "datum": Datum.WGS_84,
        "polygons": json.dumps({"type": "GeometryCollection", "geometries": geometries}),
    }
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": _("Map"),
        "opts": Campaign._meta,
        "campaign": campaign,
        "form": form if form.is_bound else PolygonsForm(initial=initial),
        "may_edit": may_edit,
        "may_move": request.user.has_perm("merchants.add_storelocation"),
        "store_count": f"{len(shown.stores):,}",
        "astray": [store for store in shown.stores if store.is_outside_district],
        "tiles": BaseMap.of_settings(),
        "approval_no": settings.HUIMIN_MAP_APPROVAL_NO,
        **reach_context(request.user, campaign, last_preview(campaign)),
        "data_url": reverse("admin:vouchers_campaign_map_data", args=[campaign.pk]),
    }
    return TemplateResponse(request, "vouchers/map.html", context)


def _drawn(request: HttpRequest, campaign: Campaign) -> CampaignMap:
    """As of now, or as of the start of a campaign that has still to begin; the stores that the
    person may see."""
    user: Any = request.user
    area = area_of(user, "merchants.view_store", at=timezone.now())
    return map_of(campaign, area=area, at=max(timezone.now(), campaign.starts_at))


def _on_base(drawn: CampaignMap, base: BaseMap) -> CampaignMap:
    """The same as it is drawn on the tiles that lie under it."""
    if base.datum is Datum.WGS_84:
        return drawn

    def areas(shapes: list[Shape]) -> list[Shape]:
        return [msgspec.structs.replace(it, geometry=base.area(it.geometry)) for it in shapes]

    points = base.points(
        [store.longitude_deg for store in drawn.stores],
        [store.latitude_deg for store in drawn.stores],
    )
    return msgspec.structs.replace(
        drawn,
        stores=[
            msgspec.structs.replace(store, longitude_deg=lon, latitude_deg=lat)
            for store, (lon, lat) in zip(drawn.stores, points, strict=True)
        ],
        districts=areas(drawn.districts),
        streets=areas(drawn.streets),
        polygons=areas(drawn.polygons),
        within=areas(drawn.within),
    )


def _check_view(request: HttpRequest) -> None:
    if not request.user.has_perm("vouchers.view_campaign"):
        raise PermissionDenied


def _save(request: HttpRequest, campaign: Campaign, given: dict[str, Any]) -> bool:
    """All polygons in place of all that were there; whether they were taken."""
    assert isinstance(request.user, User)
    kind = Geofence.Kind.INCLUDE_POLYGON
    before = campaign.geofences.filter(kind=kind).values_list("pk", flat=True)
    rows = [
        *(drafts.RowEdit(pk, None) for pk in before),
        *(
            drafts.RowEdit(None, {"kind": kind, "geometry": geometry})
            for geometry in given["polygons"]
        ),
    ]
    done = act(
        request,
        drafts.edit_campaign,
        _("The polygons have been saved."),
        campaign=campaign,
        seen_edit=given["seen_edit"],
        options={},
        parts={"geofences": rows},
        by=request.user,
        at=timezone.now(),
    )
    return done is not None
