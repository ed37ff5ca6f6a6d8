"""The one declaration of a campaign's terms: each option's unit, its limits and when it may change.

Made from it: the frozen document and the facts for the rules (`queries/campaigns/terms`), the
triggers that freeze columns (`models/campaigns`), the review page and the form (`admin`), and what
an amendment may widen (`rules/campaigns/amendments`). An option's label and column are those of
the model's field. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from vouchers.money import WHOLE_BP

MINUTE_S: Final = 60
DAY_S: Final = 24 * 60 * MINUTE_S
MOST_VALIDITY_S: Final = 10 * 366 * DAY_S
HOLD_OUT_MOST_BP: Final = 2_000
MOST_REDEMPTIONS: Final = 2**31 - 1
"""The largest number that a limit's column holds."""


class Unit(StrEnum):
    """What kind of value an option has: decides how it is typed, shown and stored."""

    TEXT = "text"
    COUNT = "count"
    FLAG = "flag"
    INSTANT = "instant"
    DURATION_S = "duration_s"
    DISTANCE_M = "distance_m"
    AMOUNT_FEN = "amount_fen"
    BASIS_POINTS = "basis_points"
    CHOICE = "choice"  # one of the column's choices
    CHOICES = "choices"  # a list of known values
    NAMES = "names"  # a list of free texts
    ADDRESSES = "addresses"  # a list of web or e-mail addresses
    AUDIENCE = "audience"  # an audience filter
    SHARES = "shares"  # fen by source code
    SLICE = "slice"  # dimension → code of a quota cell
    GEOMETRY = "geometry"
    DISTRICT = "district"  # an adcode
    STREET = "street"  # a code
    WEIGHTS = "weights"  # points by what they are for


class Section(StrEnum):
    """Under which heading an option stands in forms and on pages."""

    GENERAL = "general"
    PERIOD = "period"
    AUDIENCE = "audience"
    MONEY = "money"


class Until(StrEnum):
    """How long an option may be edited; amendments are declared by `Widening`."""

    CREATED = "created"  # given once, when the draft is made
    SUBMITTED = "submitted"  # as long as the campaign is a draft
    ALWAYS = "always"  # a name that promises nothing


@dataclass(frozen=True, slots=True)
class Widening:
    """An approved amendment may raise the option's value, to `most` at the highest. A smaller value
    is refused with `rule`. Of an option that `may_be_lifted` None does not limit: it is the widest
    value, and nothing follows it."""

    rule: str
    most: int | None = None
    may_be_lifted: bool = False

    def allows(self, old: Any, new: Any) -> bool:
        """Whether `new` promises no less than `old`; instants are ISO 8601 texts."""
        if old is None or new is None:
            return new is None and self.may_be_lifted
        if isinstance(old, str):
            return datetime.fromisoformat(old) <= datetime.fromisoformat(new)
        return bool(old <= new and (self.most is None or new <= max(old, self.most)))


@dataclass(frozen=True, slots=True)
class Option:
    """One value of the terms. `least` and `most` bound whole numbers, both inclusive."""

    name: str
    unit: Unit = Unit.TEXT
    section: Section = Section.GENERAL
    until: Until = Until.SUBMITTED
    widening: Widening | None = None
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A list in the terms: `name` in the document, `relation` and order of its rows in the models.

    `is_frozen`: its rows come and go only while the campaign is a draft, and afterwards an approved
    amendment changes no more of them than their options' widening. Quotas and stores change by
    approved proposals and amendments. `identity`: the options by which a row of one document is
    found again in another.
    """

    name: str
    relation: str
    order_by: tuple[str, ...]
    options: tuple[Option, ...]
    is_frozen: bool = True
    identity: tuple[str, ...] = ("code",)

    @property
    def widened(self) -> dict[str, Widening]:
        """What an amendment may raise of a row, by option."""
        return {option.name: option.widening for option in self.options if option.widening}


CAMPAIGN: Final = (
    Option("name", until=Until.ALWAYS),
    Option("code", until=Until.CREATED),
    Option("organiser", until=Until.ALWAYS),
    Option("operator", until=Until.ALWAYS),
    Option("zone", until=Until.CREATED),
    Option("is_test", Unit.FLAG, until=Until.CREATED),
    Option("starts_at", Unit.INSTANT, Section.PERIOD),
    Option("ends_at", Unit.INSTANT, Section.PERIOD, widening=Widening("ends_no_earlier")),
    Option(
        "validity_s",
        Unit.DURATION_S,
        Section.PERIOD,
        widening=Widening("validity_no_shorter", most=MOST_VALIDITY_S),
        least=1,
        most=MOST_VALIDITY_S,
    ),
    Option("radius_m", Unit.DISTANCE_M, Section.AUDIENCE, least=1),
    Option("point_kinds", Unit.CHOICES, Section.AUDIENCE),
    Option("audience_filter", Unit.AUDIENCE, Section.AUDIENCE),
    Option("selection_method", Unit.CHOICE, Section.AUDIENCE),
    Option("need_weights", Unit.WEIGHTS, Section.AUDIENCE),
    Option("senior_share_bp", Unit.BASIS_POINTS, Section.AUDIENCE, most=WHOLE_BP),
    Option("small_shop_share_bp", Unit.BASIS_POINTS, Section.AUDIENCE, most=WHOLE_BP),
    Option("hold_out_bp", Unit.BASIS_POINTS, Section.AUDIENCE, most=HOLD_OUT_MOST_BP),
    Option("order_kinds", Unit.CHOICES, Section.MONEY),
    Option("excluded_categories", Unit.NAMES, Section.MONEY),
    Option("order_numbers", Unit.CHOICES, Section.MONEY),
    Option("presence_required", Unit.FLAG, Section.MONEY),
    Option("currency", section=Section.MONEY, until=Until.CREATED),
    Option("refund_policy", Unit.CHOICE, Section.MONEY),
    Option("authorise_ttl_s", Unit.DURATION_S, Section.MONEY, least=MINUTE_S, most=DAY_S),
    Option("anchor_recipients", Unit.ADDRESSES, Section.MONEY),
)
"""The campaign's own options, in the order of forms and pages."""

_NO_LOWER: Final = Widening("limit_no_lower", most=MOST_REDEMPTIONS, may_be_lifted=True)
_NO_LOWER_FEN: Final = Widening("limit_no_lower", may_be_lifted=True)

PARTS: Final = (
    Part(
        "sources",
        "sources",
        ("code",),
        (Option("code"), Option("name"), Option("appropriated_fen", Unit.AMOUNT_FEN)),
    ),
    Part(
        "tiers",
        "tiers",
        ("code",),
        (
            Option("code"),
            Option("name"),
            Option("kind", Unit.CHOICE),
            Option("face_fen", Unit.AMOUNT_FEN),
            Option("threshold_fen", Unit.AMOUNT_FEN),
            Option("threshold_basis", Unit.CHOICE),
            Option("percent_bp", Unit.BASIS_POINTS),
            Option("per_resident", Unit.COUNT),
            Option("shares_fen", Unit.SHARES),
        ),
    ),
    Part(
        "rings",
        "rings",
        ("from_m",),
        (
            Option("label"),
            Option("from_m", Unit.DISTANCE_M),
            Option("to_m", Unit.DISTANCE_M),
        ),
        identity=("label",),
    ),
    Part(
        "limits",
        "limits",
        ("kind",),
        (
            Option("kind", Unit.CHOICE),
            Option("limit_count", Unit.COUNT, widening=_NO_LOWER),
            Option("limit_fen", Unit.AMOUNT_FEN, widening=_NO_LOWER_FEN),
        ),
        identity=("kind",),
    ),
    Part(
        "cells",
        "cells",
        ("id",),
        (
            Option("slice", Unit.SLICE),
            Option("cap_count", Unit.COUNT),
            Option("cap_fen", Unit.AMOUNT_FEN),
        ),
        is_frozen=False,
        identity=("slice",),
    ),
    Part(
        "rounds",
        "rounds",
        ("number",),
        (
            Option("number", Unit.COUNT),
            Option("opens_at", Unit.INSTANT),
            Option("closes_at", Unit.INSTANT),
            Option("way", Unit.CHOICE),
        ),
        identity=("number",),
    ),
    Part(
        "geofences",
        "geofences",
        ("id",),
        (
            Option("kind", Unit.CHOICE),
            Option("district", Unit.DISTRICT),
            Option("street", Unit.STREET),
            Option("geometry", Unit.GEOMETRY),
        ),
        identity=("kind", "district", "street", "geometry"),
    ),
    Part(
        "stores",
        "participations",
        ("store__merchant__code", "store__external_id", "valid_from_at"),
        (
            Option("merchant"),
            Option("store"),
            Option("category"),
            Option("radius_m", Unit.DISTANCE_M),
            Option("valid_from_at", Unit.INSTANT),
            Option("valid_until_at", Unit.INSTANT),
        ),
        is_frozen=False,
        identity=("merchant", "store", "valid_from_at"),
    ),
)
"""The lists beside the campaign's own options, in the order of pages."""

OPTIONS: Final[Mapping[str, Option]] = {option.name: option for option in CAMPAIGN}
WIDENED: Final = {option.name: option.widening for option in CAMPAIGN if option.widening}
"""What an amendment may raise of the campaign's own options."""
WIDENED_PARTS: Final[Mapping[str, Part]] = {part.name: part for part in PARTS if part.widened}
"""The parts of whose rows an amendment may raise something."""


def names(*, until: Until, is_widened: bool = False) -> tuple[str, ...]:
    """Names of the campaign's options that may be edited that long, widened by amendments or not;
    each is a column of the campaign's table."""
    return tuple(
        option.name
        for option in CAMPAIGN
        if option.until is until and (option.widening is not None) is is_widened
    )
