"""Residents over REST: registered, placed, consenting, with proxies, and what they hold.

None of these calls moves money, and each may be repeated: they say how things shall be.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from merchants.errors import Refused
from merchants.models import District
from vouchers.api.calls import body_of, parameter
from vouchers.api.errors import rendered
from vouchers.api.examples import NO_RESIDENT
from vouchers.api.residents.channel import ChannelView
from vouchers.api.residents.examples import (
    CONSENT,
    HELD,
    IDENTITY_TAKEN,
    MOVE,
    NO_PLACE,
    OWN_PROXY,
    PROXY,
    REGISTER,
    REGISTERED,
)
from vouchers.api.residents.schema import (
    AFTER_VOUCHER,
    CONSENT_PURPOSE,
    POINT_KIND,
    PROXY_NO,
    RESIDENT,
    ConsentSchema,
    PlaceSchema,
    ProxySchema,
    ResidentSchema,
    StandingSchema,
    WalletVoucherSchema,
)
from vouchers.api.schema import REFUSALS
from vouchers.http import residents as parse
from vouchers.http.answers import render
from vouchers.models import Consent, Proxy, Resident, ResidentPoint
from vouchers.queries.residents import resident_numbered, standing_of, wallet_of
from vouchers.services import residents

DONE: Mapping[Any, Any] = {204: None, **REFUSALS}
"""The answers of a call that says nothing but that it is so now."""


class ResidentView(ChannelView):
    """One resident."""

    @extend_schema(
        operation_id="register_resident",
        parameters=[RESIDENT],
        request=ResidentSchema,
        responses={200: StandingSchema, **REFUSALS},
        examples=[REGISTER, REGISTERED, IDENTITY_TAKEN],
    )
    def put(self, request: Request, external_id: str) -> HttpResponse:
        """Put a resident on file, or bring them up to date (居民登记).

        Attributes are replaced, so one that is left out is unknown afterwards; a place takes the
        place of the one before; consent, identity and phone stay as they are when left out.
        """
        number = parse.number_to_register(external_id, is_test=self.caller(request).is_test)
        given = parse.registration(body_of(request))
        resident = residents.register_resident(
            external_id=number,
            at=datetime.now(UTC),
            district=_district(given.district),
            **given.attributes,
        )
        return rendered(render(standing_of(resident)))


class PointView(ChannelView):
    """A place of a resident."""

    @extend_schema(
        operation_id="move_point",
        parameters=[RESIDENT, POINT_KIND],
        request=PlaceSchema,
        responses=DONE,
        examples=[MOVE, NO_PLACE],
    )
    def put(self, request: Request, external_id: str, kind: str) -> HttpResponse:
        """Say where a resident lives, works or was seen last; the place before stays dated."""
        resident = self.resident(request, external_id)
        residents.move_point(
            resident=resident,
            kind=ResidentPoint.Kind(kind),
            place=parse.place(body_of(request)),
            at=datetime.now(UTC),
        )
        return HttpResponse(status=204)


class ConsentView(ChannelView):
    """A resident's consent to one purpose."""

    @extend_schema(
        operation_id="give_consent",
        parameters=[RESIDENT, CONSENT_PURPOSE],
        request=ConsentSchema,
        responses=DONE,
        examples=[CONSENT, NO_RESIDENT],
    )
    def put(self, request: Request, external_id: str, purpose: str) -> HttpResponse:
        """Record that a resident agrees; a consent to another version of the text ends."""
        resident = self.resident(request, external_id)
        residents.give_consent(
            resident=resident,
            purpose=Consent.Purpose(purpose),
            text_version=parse.consent_text(body_of(request)),
            at=datetime.now(UTC),
        )
        return HttpResponse(status=204)

    @extend_schema(
        operation_id="withdraw_consent",
        parameters=[RESIDENT, CONSENT_PURPOSE],
        request=None,
        responses=DONE,
        examples=[NO_RESIDENT],
    )
    def delete(self, request: Request, external_id: str, purpose: str) -> HttpResponse:
        """Record that a resident agrees no longer. Without a consent nothing changes."""
        resident = self.resident(request, external_id)
        residents.withdraw_consent(
            resident=resident, purpose=Consent.Purpose(purpose), at=datetime.now(UTC)
        )
        return HttpResponse(status=204)


class ProxyView(ChannelView):
    """Who may hold and show a resident's vouchers."""

    @extend_schema(
        operation_id="declare_proxy",
        parameters=[RESIDENT, PROXY_NO],
        request=ProxySchema,
        responses=DONE,
        examples=[PROXY, OWN_PROXY],
    )
    def put(self, request: Request, external_id: str, proxy_id: str) -> HttpResponse:
        """Let a relative or volunteer hold and show this resident's vouchers (代用人)."""
        holder, proxy = self._pair(request, external_id, proxy_id)
        residents.declare_proxy(
            holder=holder,
            proxy=proxy,
            relation=parse.relation(body_of(request)),
            at=datetime.now(UTC),
        )
        return HttpResponse(status=204)

    @extend_schema(
        operation_id="end_proxy",
        parameters=[RESIDENT, PROXY_NO],
        request=None,
        responses=DONE,
        examples=[NO_RESIDENT],
    )
    def delete(self, request: Request, external_id: str, proxy_id: str) -> HttpResponse:
        """End a declaration. Without one nothing changes."""
        holder, proxy = self._pair(request, external_id, proxy_id)
        declared = Proxy.objects.filter(holder=holder, proxy=proxy, ended_at=None).first()
        if declared is not None:
            residents.end_proxy(proxy=declared, at=datetime.now(UTC))
        return HttpResponse(status=204)

    def _pair(self, request: Request, holder_no: str, proxy_no: str) -> tuple[Resident, Resident]:
        return self.resident(request, holder_no), self.resident(request, proxy_no)


class WalletView(ChannelView):
    """What a resident holds."""

    @extend_schema(
        operation_id="list_vouchers",
        parameters=[RESIDENT, AFTER_VOUCHER],
        responses={200: WalletVoucherSchema(many=True), **REFUSALS},
        examples=[HELD, NO_RESIDENT],
    )
    def get(self, request: Request, external_id: str) -> HttpResponse:
        """The vouchers that this resident holds (券包), newest first, at most 200; no other
        person's."""
        is_test = self.caller(request).is_test
        resident = resident_numbered(parse.resident_number(external_id), is_test=is_test)
        after_id = parse.wallet_after(parameter(request, "after"))
        held = wallet_of(resident, is_test=is_test, at=datetime.now(UTC), after_id=after_id)
        return rendered(render(held))


def _district(adcode: int | None) -> Any:
    """The district on file of an adcode. Refuses `malformed_request` for one that is not."""
    if adcode is None:
        return None
    found = District.objects.filter(adcode=adcode).first()
    if found is None:
        raise Refused(
            "malformed_request",
            problem=f"no district on file has the code {adcode}",
            problem_zh=f"未登记行政区划代码 {adcode}",
            field="$.district",
        )
    return found
