"""A voucher shown over REST: a code for a minute in an app, or a paper for who has none."""

from datetime import UTC, datetime

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from vouchers.api.calls import body_of
from vouchers.api.errors import rendered
from vouchers.api.residents.channel import ChannelView
from vouchers.api.residents.examples import NOT_THEIRS, PRINT, PRINTED, SHOW, SHOWN
from vouchers.api.residents.schema import (
    VOUCHER_CODE,
    PaperHolderSchema,
    PaperSchema,
    PresentedSchema,
    ShowerSchema,
)
from vouchers.api.schema import REFUSALS
from vouchers.http import presenting as parse
from vouchers.http.answers import render
from vouchers.services.acts import Answer
from vouchers.services.redemption import issue_paper, present


class PresentView(ChannelView):
    """A code to be shown at a till."""

    @extend_schema(
        operation_id="present_voucher",
        parameters=[VOUCHER_CODE],
        request=ShowerSchema,
        responses={200: PresentedSchema, **REFUSALS},
        examples=[SHOW, SHOWN, NOT_THEIRS],
    )
    def post(self, request: Request, code: str) -> HttpResponse:
        """Have a voucher shown by its holder or a proxy (出示): a code good once, for 60 seconds.

        Every call makes another code. The till sends it as `voucher`, and no `resident`.
        """
        asked = parse.present_request(
            caller=self.caller(request), code=code, body=body_of(request), at=datetime.now(UTC)
        )
        return _private(render(parse.presented_body(present(request=asked))))


class PaperView(ChannelView):
    """A voucher on paper."""

    @extend_schema(
        operation_id="issue_paper",
        parameters=[VOUCHER_CODE],
        request=PaperHolderSchema,
        responses={200: PaperSchema, **REFUSALS},
        examples=[PRINT, PRINTED, NOT_THEIRS],
    )
    def post(self, request: Request, code: str) -> HttpResponse:
        """Print a voucher for its holder (纸质券); a paper made before is void from now on.

        The till sends its code as `voucher` and the last four of the identity number as
        `id_digits`. After five wrong tries the paper is locked; another one replaces it.
        """
        asked = parse.paper_request(
            caller=self.caller(request), code=code, body=body_of(request), at=datetime.now(UTC)
        )
        return _private(render(parse.paper_body(issue_paper(request=asked))))


def _private(answer: Answer) -> HttpResponse:
    """The answer, which no cache on the way may keep."""
    response = rendered(answer)
    response["Cache-Control"] = "no-store"
    return response
