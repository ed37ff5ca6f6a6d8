"""Filters of lists of tables that grow: each is answered by an index that holds the key too."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib.admin import FieldListFilter, RelatedFieldListFilter, SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from vouchers.http.refusal_names import REFUSALS, refusal_name
from vouchers.models import Campaign
from vouchers.services.roles import visible

MOST_CAMPAIGNS = 50


class NewestCampaigns(RelatedFieldListFilter):
    """The rows of a campaign; of those that the person may see the 50 that begin last are
    offered."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: Any
    ) -> list[tuple[str, Any]]:
        """(number, name) of each."""
        seen = visible(
            request.user, Campaign.objects.order_by("-starts_at", "-pk"), at=timezone.now()
        )
        return [(str(campaign.pk), str(campaign)) for campaign in seen[:MOST_CAMPAIGNS]]


CAMPAIGN: tuple[str, type[FieldListFilter]] = ("campaign", NewestCampaigns)


class IndexedFilter(SimpleListFilter):
    """A filter of a growing table; `indexes` answer its values in the order of the key."""

    indexes: ClassVar[Sequence[str]]


class RefusalCodes(IndexedFilter):
    """Attempts refused with one code."""

    indexes = ("attempt_by_code",)
    title = _("refusal")
    parameter_name = "code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """(code, name) of every refusal."""
        return [(code, refusal_name(code)) for code in REFUSALS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        code = self.value()
        return queryset if code is None else queryset.filter(code=code)


class NotSent(IndexedFilter):
    """Messages that have not arrived: few, so that their indexes are short."""

    indexes = ("outbox_waiting", "outbox_given_up")
    title = _("not sent")
    parameter_name = "not_sent"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """(value, name): on their way, or tried as often as the waits allow."""
        return [("waiting", _("waiting")), ("given_up", _("given up"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "waiting":
            return queryset.filter(sent_at__isnull=True, given_up_at__isnull=True)
        if self.value() == "given_up":
            return queryset.filter(given_up_at__isnull=False)
        return queryset
