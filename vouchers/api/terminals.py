"""Terminals enrolled by a one-time code."""

from datetime import UTC, datetime

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from merchants.errors import Refused
from merchants.services.terminals import enrol_by_code
from vouchers.api.calls import JsonOnly, body_of
from vouchers.api.errors import rendered
from vouchers.api.examples import answer_example, refusal_example, request_example
from vouchers.api.schema import REFUSALS
from vouchers.http.addresses import client_address
from vouchers.http.answers import problem
from vouchers.http.terminals import enrolled, enrolment_code


class EnrolSchema(serializers.Serializer):  # type: ignore[type-arg]
    """Body of an enrolment."""

    code = serializers.CharField(
        min_length=1, max_length=64, help_text="The one-time code, with or without dashes."
    )


class EnrolledSchema(serializers.Serializer):  # type: ignore[type-arg]
    """A terminal with its key."""

    key = serializers.CharField(help_text="Shown this once; keep it.")
    merchant = serializers.CharField(help_text="The merchant's code.")
    store = serializers.CharField(help_text="The merchant's number of the store.")
    terminal = serializers.CharField(help_text="The terminal's number.")
    scopes = serializers.ListField(child=serializers.CharField(), help_text="What the key may do.")
    is_test = serializers.BooleanField(help_text="Whether the key is of the sandbox.")


ENROL = request_example("a code as the operator gave it", {"code": "K7QM-2XRT-9HVD"})
ENROLLED = answer_example(
    "enrolled",
    {
        "key": "vk_live_EXAMPLE",
        "merchant": "huilian",
        "store": "0001",
        "terminal": "T1",
        "scopes": ["quote", "redeem"],
        "is_test": False,
    },
    201,
)
CODE_USED = refusal_example("used or expired", "enrolment_code_invalid")
TOO_MANY_CODES = refusal_example(
    "after many wrong codes", "rate_limited", "wrong_codes", retry_after_s=540
)


class EnrolView(APIView):
    """For terminals that have no key yet."""

    authentication_classes = []
    permission_classes = []
    content_negotiation_class = JsonOnly

    @extend_schema(
        operation_id="enrol_terminal",
        request=EnrolSchema,
        responses={201: EnrolledSchema, **REFUSALS},
        examples=[ENROL, ENROLLED, CODE_USED, TOO_MANY_CODES],
        auth=[],
    )
    def post(self, request: Request) -> HttpResponse:
        """Give a one-time code for the terminal's key, which is answered this once."""
        code = enrolment_code(body_of(request))
        try:
            address = client_address(request._request)
            found = enrol_by_code(code=code, address=address, at=datetime.now(UTC))
        except Refused as refused:
            response = rendered(problem(refused.refusal))
            if "retry_after_s" in refused.refusal.facts:
                response["Retry-After"] = str(refused.refusal.facts["retry_after_s"])
            return response
        response = rendered(enrolled(found))
        response["Cache-Control"] = "no-store"
        return response
