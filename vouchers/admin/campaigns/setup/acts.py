"""The buttons and addresses of the set-up pages."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.enums import ActionVariant

from vouchers.admin.campaigns.page import CampaignPage
from vouchers.admin.campaigns.setup.beginnings import ADD, clone_page, presets_page
from vouchers.admin.campaigns.setup.page import setup_page
from vouchers.admin.campaigns.setup.review import changes_page, launch_list
from vouchers.models import Campaign


class SetupActs(CampaignPage):
    """Where a draft comes from, is set up and checked."""

    actions_list = ["presets"]

    def has_begin_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm(ADD)

    @action(
        description=_("Begin with a preset"),
        icon="dashboard_customize",
        variant=ActionVariant.PRIMARY,
        permissions=["begin"],
    )
    def presets(self, request: HttpRequest) -> HttpResponse:
        return presets_page(self, request)

    @action(
        description=_("Set up"),
        icon="edit_note",
        variant=ActionVariant.PRIMARY,
        permissions=["edit"],
    )
    def set_up(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return setup_page(self, request, get_object_or_404(Campaign, pk=object_id))

    @action(description=_("Launch list"), icon="checklist")
    def launch_list(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return launch_list(self, request, get_object_or_404(Campaign, pk=object_id))

    @action(description=_("Changes of the terms"), icon="difference")
    def changes(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return changes_page(self, request, get_object_or_404(Campaign, pk=object_id))

    @action(description=_("Copy"), icon="content_copy", permissions=["begin"])
    def clone(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return clone_page(self, request, get_object_or_404(Campaign, pk=object_id))
