"""OpenAPI description of what channels send and get of residents. Parsing is `vouchers/http`."""

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from merchants.geo import MAX_LATITUDE_DEG, MAX_LONGITUDE_DEG, Datum
from merchants.references import FORM
from vouchers.http.residents import NUMBER_MAX_LENGTH, TAGS
from vouchers.models import Consent, ResidentPoint
from vouchers.rules.issuing.codes import LENGTH as CODE_DIGITS
from vouchers.rules.issuing.numbered_codes import LENGTH as NUMBERED_DIGITS
from vouchers.rules.residents import SANDBOX
from vouchers.states import ResidentState, ThresholdBasis, TierKind, VoucherState

IN_PATH = r"^[!-.0-~](?:[ -.0-~]*[!-.0-~])?$"
"""As `merchants.references.FORM`, without a slash."""

RESIDENT = OpenApiParameter(
    "external_id",
    {"type": "string", "pattern": IN_PATH, "maxLength": NUMBER_MAX_LENGTH},
    OpenApiParameter.PATH,
    description=(
        "The channel's number of the resident, without a slash. Numbers that a sandbox key writes"
        f" begin with `{SANDBOX}`, and no others do."
    ),
)
AFTER_VOUCHER = OpenApiParameter(
    "after",
    {"type": "string", "pattern": rf"^(\d{{{CODE_DIGITS}}})?$"},
    description="Only those that come after the voucher with this code: the next 200.",
)
PROXY_NO = OpenApiParameter(
    "proxy_id",
    {"type": "string", "pattern": IN_PATH, "maxLength": NUMBER_MAX_LENGTH},
    OpenApiParameter.PATH,
    description="Number of who may hold and show the vouchers: a resident too.",
)
VOUCHER_CODE = OpenApiParameter(
    "code",
    {"type": "string", "pattern": rf"^\d{{{CODE_DIGITS}}}$"},
    OpenApiParameter.PATH,
    description="The voucher's printed code, as the list of a resident's vouchers gives it.",
)
POINT_KIND = OpenApiParameter(
    "kind",
    str,
    OpenApiParameter.PATH,
    enum=ResidentPoint.Kind.values,
    description="What the place is to the resident.",
)
CONSENT_PURPOSE = OpenApiParameter(
    "purpose",
    str,
    OpenApiParameter.PATH,
    enum=Consent.Purpose.values,
    description="What the resident agrees to.",
)


class PlaceSchema(serializers.Serializer[object]):
    """A place in degrees; without its datum it could lie 700 m off."""

    longitude = serializers.FloatField(min_value=-MAX_LONGITUDE_DEG, max_value=MAX_LONGITUDE_DEG)
    latitude = serializers.FloatField(min_value=-MAX_LATITUDE_DEG, max_value=MAX_LATITUDE_DEG)
    datum = serializers.ChoiceField([datum.value for datum in Datum])


class PointsSchema(serializers.Serializer[object]):
    """Places by kind; a kind that is left out stays as it is."""

    home = PlaceSchema(required=False)
    work = PlaceSchema(required=False)
    recent = PlaceSchema(required=False)


class ResidentSchema(serializers.Serializer[object]):
    """A resident as a channel knows them."""

    birth_year = serializers.IntegerField(
        min_value=1880, max_value=2199, required=False, allow_null=True
    )
    district = serializers.IntegerField(
        min_value=100_000,
        max_value=999_999,
        required=False,
        allow_null=True,
        help_text="Code of the district of residence (GB/T 2260).",
    )
    street = serializers.CharField(max_length=40, required=False, allow_blank=True)
    is_registered = serializers.BooleanField(
        required=False, allow_null=True, help_text="Household registered in the city (户籍)."
    )
    has_residence_permit = serializers.BooleanField(required=False, allow_null=True)
    need_score = serializers.IntegerField(min_value=-32_767, max_value=32_767, required=False)
    tags = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=TAGS - 1),
        max_length=TAGS,
        required=False,
        help_text="Numbers of the tags that are set.",
    )
    points = PointsSchema(required=False)
    consent_targeting = serializers.CharField(
        max_length=20,
        required=False,
        allow_blank=True,
        help_text="Version of the text on targeting by place that was agreed to. One that was"
        " withdrawn is given again by its own call only.",
    )
    national_id = serializers.CharField(
        max_length=40,
        required=False,
        allow_null=True,
        help_text="Kept as a keyed hash only. One person is one resident.",
    )
    phone = serializers.CharField(
        max_length=40, required=False, allow_null=True, help_text="Kept as a keyed hash only."
    )


class StandingSchema(serializers.Serializer[object]):
    """What is on file of a resident, without what is personal."""

    resident = serializers.CharField()
    state = serializers.ChoiceField([state.value for state in ResidentState])
    places = serializers.ListField(
        child=serializers.ChoiceField(ResidentPoint.Kind.values),
        help_text="Kinds of places on file.",
    )
    consents = serializers.ListField(
        child=serializers.ChoiceField(Consent.Purpose.values), help_text="What they agree to."
    )
    is_identified = serializers.BooleanField(help_text="Whether an identity number is on file.")


class ConsentSchema(serializers.Serializer[object]):
    """A consent."""

    text_version = serializers.CharField(
        min_length=1, max_length=20, help_text="Printable characters only."
    )


class ProxySchema(serializers.Serializer[object]):
    """A declaration of a proxy."""

    relation = serializers.CharField(
        max_length=40, required=False, allow_blank=True, help_text="daughter, volunteer, …"
    )


class WalletVoucherSchema(serializers.Serializer[object]):
    """A voucher and its terms. Amounts are fen."""

    code = serializers.CharField(help_text="Its printed code, which other calls name it by.")
    state = serializers.ChoiceField([*(state.name.lower() for state in VoucherState), "expired"])
    campaign = serializers.CharField()
    campaign_name = serializers.CharField()
    tier = serializers.CharField()
    tier_name = serializers.CharField()
    kind = serializers.ChoiceField([kind.value for kind in TierKind])
    face_fen = serializers.IntegerField()
    threshold_fen = serializers.IntegerField()
    threshold_basis = serializers.ChoiceField([basis.value for basis in ThresholdBasis])
    percent_bp = serializers.IntegerField(
        allow_null=True, help_text="Of a percentage: hundredths of a per cent."
    )
    valid_from_at = serializers.DateTimeField()
    valid_until_at = serializers.DateTimeField()


class ShowerSchema(serializers.Serializer[object]):
    """Who will show the voucher."""

    resident = serializers.RegexField(
        FORM, max_length=NUMBER_MAX_LENGTH, help_text="Its holder, or a declared proxy."
    )


class CodeSchema(serializers.Serializer[object]):
    """A code as scanners and people read it."""

    voucher = serializers.CharField(help_text="The voucher's printed code.")
    code = serializers.RegexField(
        rf"^\d{{{NUMBERED_DIGITS}}}$",
        help_text="What the till sends as `voucher`; the content of the QR symbol and of Code 128"
        " (set C, nine pairs).",
    )
    digits = serializers.CharField(help_text="The same in groups, to be read aloud and typed.")
    qr_svg = serializers.CharField(help_text="The QR symbol, to be put into a page as it is.")
    code128_svg = serializers.CharField(
        help_text="The Code 128 symbol, to be put into a page as it is, at least 40 mm wide; the"
        " page says in words what it is."
    )


class PresentedSchema(CodeSchema):
    """A code that is good once."""

    expires_at = serializers.DateTimeField()


class PaperHolderSchema(serializers.Serializer[object]):
    """For whom a voucher is printed."""

    resident = serializers.RegexField(
        FORM, max_length=NUMBER_MAX_LENGTH, help_text="The voucher's holder, not a proxy."
    )
    national_id = serializers.CharField(
        min_length=1,
        max_length=40,
        help_text="As on the card shown at the desk; it has to be the one on file.",
    )


class PaperSchema(CodeSchema):
    """A paper's code, good until the voucher ends."""

    valid_until_at = serializers.DateTimeField()
    has_replaced = serializers.BooleanField(help_text="Whether an earlier paper is void now.")
