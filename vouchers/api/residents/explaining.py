"""Why a resident is reached by a campaign, or not, over REST: for the resident's own channel."""

from datetime import UTC, datetime

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from merchants.errors import Refused
from merchants.references import FORM
from vouchers.api.calls import parameter
from vouchers.api.errors import rendered
from vouchers.api.residents.channel import ChannelView
from vouchers.api.residents.examples import NO_CAMPAIGN, REACHED
from vouchers.api.residents.schema import RESIDENT
from vouchers.api.schema import REFUSALS
from vouchers.http.answers import render
from vouchers.http.explanations import REASONS, explanation
from vouchers.http.residents import resident_number
from vouchers.queries.campaigns.launched import launched_campaign
from vouchers.queries.residents import resident_numbered
from vouchers.rules.audience.filters import Untargeted
from vouchers.services.audience.explain import explain

CAMPAIGN = OpenApiParameter(
    "campaign",
    {"type": "string", "pattern": FORM},
    OpenApiParameter.QUERY,
    required=True,
    description="Code of a campaign that has been launched.",
)
# No key sees a resident and a campaign of which one alone is of the sandbox.
_REASONS = ", ".join(code for code in REASONS if code != Untargeted.SANDBOX.code)


class ExplainedStoreSchema(serializers.Serializer[object]):
    """A store as its merchant numbers it."""

    merchant = serializers.CharField()
    store = serializers.CharField()
    name = serializers.CharField()


class ExplanationSchema(serializers.Serializer[object]):
    """Why (not), as things stand now. A promise of nothing."""

    resident = serializers.CharField()
    campaign = serializers.CharField()
    targeted = serializers.BooleanField()
    reason = serializers.CharField(allow_null=True, help_text=f"One of {_REASONS}.")
    conditions = serializers.ListField(
        child=serializers.CharField(),
        help_text="With `filtered`: what the campaign asks and the resident does not meet.",
    )
    point = serializers.CharField(
        allow_null=True, help_text="The place that decides: home, work or recent."
    )
    store = ExplainedStoreSchema(
        allow_null=True,
        help_text="The nearest whose circle holds the place, or else whose edge is nearest.",
    )
    distance_m = serializers.FloatField(allow_null=True, help_text="From the place to the store.")
    outside_m = serializers.FloatField(allow_null=True, help_text="Beyond the circle; 0 inside.")
    ring = serializers.CharField(allow_null=True)
    because = serializers.CharField(help_text="A sentence for the resident.")
    because_zh = serializers.CharField()
    asked_at = serializers.DateTimeField()


class ExplainView(ChannelView):
    """Why one resident is reached, or not."""

    @extend_schema(
        operation_id="explain",
        parameters=[RESIDENT, CAMPAIGN],
        responses={200: ExplanationSchema, **REFUSALS},
        examples=[REACHED, NO_CAMPAIGN],
    )
    def get(self, request: Request, external_id: str) -> HttpResponse:
        """Say in words and metres why a campaign reaches this resident, or why not (为何未入选).

        A resident whom the key may not register, and a campaign not yet launched, are not found.
        """
        is_test, at = self.caller(request).is_test, datetime.now(UTC)
        number = resident_number(external_id)
        code = parameter(request, "campaign")
        if not code:
            raise Refused(
                "malformed_request",
                problem="name the campaign",
                problem_zh="请指明活动",
                field="campaign",
            )
        resident = resident_numbered(number, is_test=is_test)
        campaign = launched_campaign(code, is_test=is_test)
        said = explain(campaign=campaign, resident=resident, at=at)
        body = explanation(said, resident=resident, campaign=campaign, at=at)
        return rendered(render(body))
