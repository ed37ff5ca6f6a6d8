"""The magic amounts of the sandbox, for integrators testing a till."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from vouchers.api.calls import JsonOnly
from vouchers.api.examples import answer_example
from vouchers.errors import CATALOGUE
from vouchers.rules.redemption.sandbox import FORCED, Forced


class MagicAmountSchema(serializers.Serializer):  # type: ignore[type-arg]
    """An order amount and the refusal that it forces with a key of the sandbox."""

    order_amount_fen = serializers.IntegerField(help_text="The amount to send, in fen.")
    status = serializers.IntegerField(help_text="HTTP status of the refusal.")
    code = serializers.CharField(help_text="Code of the refusal.")
    rule = serializers.CharField(help_text="Rule of the refusal.")


def _forced(it: Forced) -> dict[str, str | int]:
    return {
        "order_amount_fen": it.amount_fen,
        "status": CATALOGUE[it.code].status,
        "code": it.code,
        "rule": it.rule or it.code,
    }


AMOUNT = answer_example("the first of them", _forced(FORCED[0]))


class SandboxAmountsView(APIView):
    """Open to all: it says nothing of any campaign."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    content_negotiation_class = JsonOnly

    @extend_schema(
        operation_id="sandbox_amounts",
        responses={200: MagicAmountSchema(many=True)},
        examples=[AMOUNT],
        auth=[],
    )
    def get(self, request: Request) -> Response:
        """The order amounts that force a refusal in the sandbox."""
        return Response([_forced(it) for it in FORCED])
