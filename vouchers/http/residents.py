"""What a channel sends of a resident, parsed."""

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import msgspec
from django.conf import settings
from msgspec import Meta

from merchants.errors import Refused
from merchants.geo import Datum
from merchants.references import is_reference
from vouchers.http.requests import NUL_IN_JSON, check_text, decoded, malformed, not_a_number
from vouchers.rules.issuing.codes import decode, typed
from vouchers.rules.residents import SANDBOX, is_numbered_for
from vouchers.services.residents.acts import Place

NUMBER_MAX_LENGTH: Final = 64
TAGS: Final = 63

Kind = Literal["home", "work", "recent"]
Tag = Annotated[int, Meta(ge=0, lt=TAGS)]
Short = Annotated[int, Meta(ge=-32_767, le=32_767)]


class GivenPlace(msgspec.Struct, frozen=True, gc=False):
    """Degrees in a datum."""

    longitude: float
    latitude: float
    datum: Literal["WGS-84", "GCJ-02", "BD-09"]

    def place(self) -> Place:
        """As the services take it."""
        return Place(self.longitude, self.latitude, Datum(self.datum))


class GivenResident(msgspec.Struct, frozen=True):
    """Body of a registration. Attributes left out are unknown from now on; places, consent,
    identity and phone left out stay as they are."""

    birth_year: Annotated[int, Meta(ge=1880, le=2199)] | None = None
    district: Annotated[int, Meta(ge=100_000, le=999_999)] | None = None
    street: Annotated[str, Meta(max_length=40)] = ""
    is_registered: bool | None = None
    has_residence_permit: bool | None = None
    need_score: Short = 0
    tags: Annotated[list[Tag], Meta(max_length=TAGS)] = []
    points: dict[Kind, GivenPlace] = {}
    consent_targeting: Annotated[str, Meta(max_length=20)] = ""
    national_id: Annotated[str, Meta(max_length=40)] | None = None
    phone: Annotated[str, Meta(max_length=40)] | None = None


class GivenConsent(msgspec.Struct, frozen=True):
    """Body of a consent: the version of the text that was agreed to."""

    text_version: Annotated[str, Meta(min_length=1, max_length=20)]


class GivenProxy(msgspec.Struct, frozen=True):
    """Body of a declaration of a proxy: what they are to the holder."""

    relation: Annotated[str, Meta(max_length=40)] = ""


@dataclass(frozen=True, slots=True)
class Registration:
    """A registration, ready for the service but for its district."""

    district: int | None
    # What `register_resident` takes beside it.
    attributes: dict[str, Any]


_decode_resident = msgspec.json.Decoder(GivenResident).decode
_decode_place = msgspec.json.Decoder(GivenPlace).decode
_decode_consent = msgspec.json.Decoder(GivenConsent).decode
_decode_proxy = msgspec.json.Decoder(GivenProxy).decode


def resident_number(text: str, *, field: str = "external_id") -> str:
    """The number in an address. Refuses `malformed_request` for what can't be one."""
    if not is_reference(text):
        raise not_a_number(field)
    if len(text) > NUMBER_MAX_LENGTH:
        raise Refused(
            "malformed_request",
            problem=f"a resident's number has at most {NUMBER_MAX_LENGTH} characters",
            problem_zh=f"居民编号最多 {NUMBER_MAX_LENGTH} 个字符",
            field=field,
        )
    return text


def wallet_after(code: str | None) -> int | None:
    """The number of the voucher whose code ends the page before; None for the first page. Refuses
    `malformed_request` for what is no voucher's code."""
    if not code:
        return None
    voucher_id = decode(typed(code), settings.HUIMIN_CODE_KEY)
    if voucher_id is None:
        raise Refused(
            "malformed_request",
            problem="`after` is the code of the last voucher of the page before",
            problem_zh="after 须为上一页最后一张券的券码",
            field="after",
        )
    return voucher_id


def number_to_register(text: str, *, is_test: bool) -> str:
    """The number of a resident to be written. Sandbox keys write residents of their own and live
    keys never those. Refuses `malformed_request`."""
    number = resident_number(text)
    if is_numbered_for(number, is_test=is_test):
        return number
    raise Refused(
        "malformed_request",
        problem=f"residents of the sandbox, and only they, have numbers beginning with {SANDBOX}",
        problem_zh=f"沙箱居民（且仅沙箱居民）的编号以 {SANDBOX} 开头",
        field="external_id",
    )


def registration(body: bytes) -> Registration:
    """A registration. Refuses `malformed_request`, naming the field."""
    given: GivenResident = decoded(_decode_resident, body)
    if NUL_IN_JSON in body:
        check_text(given)
    attributes: dict[str, Any] = {
        name: getattr(given, name)
        for name in given.__struct_fields__
        if name not in ("district", "tags", "points")
    }
    attributes["tags"] = sum(1 << bit for bit in set(given.tags))
    attributes["points"] = {kind: point.place() for kind, point in given.points.items()}
    return Registration(given.district, attributes)


def place(body: bytes) -> Place:
    """A place. Refuses `malformed_request`, naming the field."""
    given: GivenPlace = decoded(_decode_place, body)
    return given.place()


def consent_text(body: bytes) -> str:
    """The version of the text agreed to. Refuses `malformed_request`."""
    given: GivenConsent = decoded(_decode_consent, body)
    return _printable(given.text_version, "text_version")


def relation(body: bytes) -> str:
    """What a proxy is to the holder; a body may be left out. Refuses `malformed_request`."""
    given: GivenProxy = decoded(_decode_proxy, body or b"{}")
    return _printable(given.relation, "relation")


def _printable(text: str, field: str) -> str:
    if text and not text.isprintable():
        raise malformed(f"a text has printable characters only - at `$.{field}`")
    return text
