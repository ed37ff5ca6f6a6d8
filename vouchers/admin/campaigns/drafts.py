"""Pages on which a draft is edited: every save is one call of a service, which may refuse."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import SimpleTemplateResponse
from django.utils import timezone
from django.utils.translation import get_language

from merchants.admin.base import RefusableAdmin
from merchants.errors import Refusal, Refused
from vouchers.admin.faults import sentence
from vouchers.models import Campaign
from vouchers.rules.campaigns.zones import known_zones
from vouchers.services.campaigns.drafts import RowEdit
from vouchers.services.campaigns.terms import EDIT
from vouchers.states import CampaignState


def is_draft(campaign: Campaign | None) -> bool:
    """Whether its terms may still be edited."""
    return campaign is not None and campaign.state == CampaignState.DRAFT


def row_edits(formset: Any) -> list[RowEdit]:
    """What was changed in a part's rows; recorded in Django's history too."""
    deleted = formset.deleted_forms
    changed = [form for form in formset.forms if form.has_changed() and form not in deleted]
    new = [form for form in changed if form.instance.pk is None]
    formset.new_objects = [form.instance for form in new]
    formset.changed_objects = [
        (form.instance, form.changed_data) for form in changed if form.instance.pk is not None
    ]
    formset.deleted_objects = [form.instance for form in deleted if form.instance.pk is not None]
    return [
        *(RowEdit(row.pk, None) for row in formset.deleted_objects),
        *(
            RowEdit(
                form.instance.pk,
                {
                    name: form.cleaned_data[name]
                    for name in form.changed_data
                    if name in form.cleaned_data
                }
                if form.instance.pk is not None
                else _values(form),
            )
            for form in changed
        ),
    ]


def _values(form: Any) -> dict[str, Any]:
    """All columns of a new row that the form has a field for."""
    columns = {column.name for column in form.instance._meta.concrete_fields} - {"id", "campaign"}
    return {name: value for name, value in form.cleaned_data.items() if name in columns}


class DraftAdmin(RefusableAdmin):
    """A page about a draft; a campaign that has left it is only shown."""

    def refusal_text(self, refusal: Refusal) -> str:
        return sentence(refusal, get_language() or "en")

    def campaign_of(self, obj: Any) -> Campaign:
        """The campaign that the page's object belongs to."""
        return obj if isinstance(obj, Campaign) else obj.campaign

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: Any = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> Any:
        """The page in the campaign's zone; a form for a campaign that is no draft any more is
        refused in words."""
        with timezone.override(self._zone(request, object_id)):
            try:
                answer = super().changeform_view(request, object_id, form_url, extra_context)
            except PermissionDenied:
                return self._refused_out_of_draft(request, object_id)
            # Rendered here, because its times are written when it is rendered.
            return answer.render() if isinstance(answer, SimpleTemplateResponse) else answer

    def _zone(self, request: HttpRequest, object_id: Any) -> ZoneInfo | None:
        """The campaign's zone, for a new campaign the one that is sent; None is Django's own."""
        obj = self.get_object(request, object_id) if object_id else None
        if obj is not None:
            return ZoneInfo(self.campaign_of(obj).zone)
        sent = request.POST.get("zone")
        return ZoneInfo(sent) if sent and sent in known_zones() else None

    def delete_view(
        self, request: HttpRequest, object_id: Any, extra_context: Any = None
    ) -> HttpResponse:
        """The same for a deletion, and for one that its service refuses."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except PermissionDenied:
            return self._refused_out_of_draft(request, object_id)
        except Refused as refused:
            messages.error(request, self.refusal_text(refused.refusal))
            return HttpResponseRedirect(request.path.replace("/delete/", "/change/"))

    def _refused_out_of_draft(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        obj: Model | None = self.get_object(request, object_id) if object_id else None
        if (
            obj is None
            or request.method != "POST"
            or not request.user.has_perm(EDIT)
            or is_draft(self.campaign_of(obj))
        ):
            raise PermissionDenied
        state = self.campaign_of(obj).state
        refusal = Refusal("campaign_state", "only_in_draft", {"state": state})
        messages.error(request, self.refusal_text(refusal))
        return HttpResponseRedirect(request.path.replace("/delete/", "/change/"))
