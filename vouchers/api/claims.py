"""Offers and claims over REST: the same service as the express lane, one request at a time."""

from datetime import UTC, datetime

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from merchants.auth import HasScope
from merchants.errors import Refused
from merchants.geo import MAX_LATITUDE_DEG, MAX_LONGITUDE_DEG
from merchants.references import FORM
from vouchers.api.calls import ActView, CallView, body_of, parameter
from vouchers.api.errors import rendered
from vouchers.api.examples import (
    NO_RESIDENT,
    RESIDENT_NO,
    answer_example,
    refusal_example,
    request_example,
)
from vouchers.api.schema import (
    IDEMPOTENCY_KEY,
    REFUSALS,
    number_parameter,
)
from vouchers.http.answers import render
from vouchers.http.claims import SCOPE_CLAIM, check_channel, claim_request
from vouchers.rules.claims import TIER_SEPARATOR
from vouchers.services.claims import claim
from vouchers.services.claims.offers import offers

CLAIMS = "/api/v1/claims"
TIER_FORM = rf"^(?:[!-~][ -~]*)?{TIER_SEPARATOR}(?:[ -~]*[!-~])?$"
"""As `merchants.references.FORM`, with a separator."""


class ClaimSchema(serializers.Serializer[object]):
    """Who claims which voucher, and where they are."""

    resident = serializers.RegexField(FORM, max_length=64, help_text="The resident's number.")
    tier = serializers.RegexField(
        TIER_FORM,
        min_length=3,
        max_length=61,
        help_text="As the list of offers has it: campaign/tier.",
    )
    longitude = serializers.FloatField(
        min_value=-MAX_LONGITUDE_DEG,
        max_value=MAX_LONGITUDE_DEG,
        required=False,
        allow_null=True,
        help_text="Of where the resident is now; with latitude and datum, or left out.",
    )
    latitude = serializers.FloatField(
        min_value=-MAX_LATITUDE_DEG,
        max_value=MAX_LATITUDE_DEG,
        required=False,
        allow_null=True,
    )
    datum = serializers.CharField(
        max_length=20, required=False, help_text="WGS-84, GCJ-02 or BD-09."
    )
    device = serializers.RegexField(
        FORM,
        max_length=80,
        required=False,
        help_text="What the claim is made on; a campaign may limit the claims on one device.",
    )
    proxy = serializers.RegexField(
        FORM,
        max_length=64,
        required=False,
        help_text="The number of who claims for the resident. A declared proxy's device does not"
        " count as the resident's.",
    )


class ClaimedSchema(serializers.Serializer[object]):
    """A voucher that has been claimed."""

    claim = serializers.IntegerField(help_text="The claim's own number.")
    voucher = serializers.CharField(help_text="Its printed code.")
    campaign = serializers.CharField()
    tier = serializers.CharField()
    round = serializers.IntegerField()
    face_fen = serializers.IntegerField()
    threshold_fen = serializers.IntegerField()
    valid_from_at = serializers.DateTimeField()
    valid_until_at = serializers.DateTimeField()
    claimed_at = serializers.DateTimeField()


class OfferSchema(serializers.Serializer[object]):
    """A tier that can be claimed in a round, as it stands for one resident now."""

    tier = serializers.CharField(help_text="What a claim names: campaign/tier.")
    name = serializers.CharField()
    campaign = serializers.CharField()
    round = serializers.IntegerField()
    face_fen = serializers.IntegerField()
    threshold_fen = serializers.IntegerField()
    opens_at = serializers.DateTimeField()
    closes_at = serializers.DateTimeField()
    state = serializers.ChoiceField(
        ["coming", "open", "paused", "sold_out", "claimed", "not_for_you"]
    )
    needs_position = serializers.BooleanField(
        help_text="Whether a claim must send where the resident is."
    )
    left_for_resident = serializers.IntegerField()
    reason = serializers.CharField(required=False, help_text="Why it is not for the resident.")


CLAIM = request_example(
    "claim where the resident is",
    {
        "resident": RESIDENT_NO,
        "tier": "autumn/off20",
        "longitude": 121.4737,
        "latitude": 31.2304,
        "datum": "GCJ-02",
    },
)
CLAIMED = answer_example(
    "claimed",
    {
        "claim": 1_042,
        "voucher": "81000000100000012345",
        "campaign": "autumn",
        "tier": "off20",
        "round": 1,
        "face_fen": 2_000,
        "threshold_fen": 10_000,
        "valid_from_at": "2026-11-27T02:00:00.012000Z",
        "valid_until_at": "2026-12-04T16:00:00Z",
        "claimed_at": "2026-11-27T02:00:00.012000Z",
    },
    201,
)
SOLD_OUT = refusal_example("nothing left just now", "sold_out")
OFFER = answer_example(
    "open",
    {
        "tier": "autumn/off20",
        "name": "满100减20",
        "campaign": "autumn",
        "round": 1,
        "face_fen": 2_000,
        "threshold_fen": 10_000,
        "opens_at": "2026-11-27T02:00:00Z",
        "closes_at": "2026-11-27T10:00:00Z",
        "state": "open",
        "needs_position": True,
        "left_for_resident": 1,
    },
)


class ChannelView(CallView):
    """For channels: a key of a channel with the scope `claim`."""

    permission_classes = [HasScope.of(SCOPE_CLAIM)]


class OffersView(ChannelView):
    """What a resident can claim."""

    @extend_schema(
        operation_id="find_offers",
        parameters=[number_parameter("resident", "The resident's number.", required=True)],
        responses={200: OfferSchema(many=True), **REFUSALS},
        examples=[OFFER, NO_RESIDENT],
    )
    def get(self, request: Request) -> HttpResponse:
        """The vouchers that a resident can claim now or soon, and whether they are for them."""
        caller = self.caller(request)
        check_channel(caller)
        resident = parameter(request, "resident")
        if not resident:
            raise Refused("malformed_request", problem="name the resident", field="resident")
        found = offers(caller=caller, resident=resident, at=datetime.now(UTC))
        return rendered(render(found))


class ClaimsView(ActView, ChannelView):
    """Claim vouchers."""

    @extend_schema(
        operation_id="claim",
        parameters=[IDEMPOTENCY_KEY],
        request=ClaimSchema,
        responses={201: ClaimedSchema, **REFUSALS},
        examples=[CLAIM, CLAIMED, SOLD_OUT],
    )
    def post(self, request: Request) -> HttpResponse:
        """Claim a voucher for a resident (领取): first come, first served."""
        asked = claim_request(
            caller=self.caller(request),
            key=request.headers.get("Idempotency-Key") or "",
            path=CLAIMS,
            body=body_of(request),
            at=datetime.now(UTC),
        )
        (answer,) = claim(requests=[asked], render=render)
        return rendered(answer)
