"""Where a row lies: which rows of a table a grant for districts and streets shows, and which it
lets act on. The one declaration of both.

A table that is in neither list is for the whole city alone, so a new one is closed until it is
declared here. Decision 0031 gives the reasons.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from django.contrib.auth.models import User
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from merchants.models import (
    Credential,
    District,
    EnrolmentCode,
    Merchant,
    Store,
    StoreLocation,
    Street,
    Terminal,
)
from vouchers.models import (
    Attempt,
    Campaign,
    CampaignStore,
    Collection,
    CollectionLine,
    Consent,
    Exclusion,
    FundingSource,
    Geofence,
    Grant,
    Hold,
    LimitRule,
    Link,
    Paper,
    Presentation,
    Proxy,
    Redemption,
    Refund,
    RefundPart,
    Resident,
    ResidentMerge,
    ResidentPoint,
    Ring,
    Round,
    Settlement,
    SettlementLine,
    Signal,
    Tier,
    TierSplit,
    Voucher,
)


@dataclass(frozen=True, slots=True)
class Area:
    """Some districts by adcode and some streets by code, or the whole city (`adcodes` None)."""

    adcodes: frozenset[int] | None = frozenset()
    streets: frozenset[int] = frozenset()

    @classmethod
    def of(cls, adcode: int | None, street: int | None = None) -> Self:
        """A street, a district, or without either the whole city."""
        if street is not None:
            return cls(streets=frozenset({street}))
        return cls(None if adcode is None else frozenset({adcode}))

    @property
    def is_city(self) -> bool:
        """Whether it is the whole city, with all that lies in no district."""
        return self.adcodes is None

    def __or__(self, other: Self) -> "Area":
        if self.adcodes is None or other.adcodes is None:
            return CITY
        return Area(self.adcodes | other.adcodes, self.streets | other.streets)

    def shows(self, model: type[Model]) -> bool:
        """Whether any row of a table may be seen from here."""
        return self.is_city or (self != NOWHERE and model in SHOWN)

    def covers(self, adcode: int | None, street: int | None) -> bool:
        """Whether what lies in a district and a street (None: in no known one) lies here."""
        return self.adcodes is None or adcode in self.adcodes or street in self.streets

    def shown(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Those of the rows that may be seen from here."""
        return self._within(SHOWN, rows)

    def acted_on(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Those of the rows that may be acted on from here."""
        return self._within(ACTED_ON, rows)

    def _within(self, places: "Mapping[type[Model], Place]", rows: QuerySet[Any]) -> QuerySet[Any]:
        if self.adcodes is None:
            return rows
        place = places.get(rows.model)
        return rows.none() if place is None else rows.filter(place(self))


def people_with(permission: str, *, at: datetime) -> QuerySet[User]:
    """Active people who have a permission (`app.codename`) for the whole city at an instant."""
    app, _, codename = permission.partition(".")
    grants = Grant.objects.filter(
        Q(until_at=None) | Q(until_at__gt=at),
        district=None,
        withdrawn_at=None,
        from_at__lte=at,
        role__permissions__content_type__app_label=app,
        role__permissions__codename=codename,
    )
    return User.objects.filter(pk__in=grants.values("user"), is_active=True)


CITY: Final = Area(None)
NOWHERE: Final = Area()

Place = Callable[[Area], Q]
"""The condition under which a row of a table lies in an area that is not the whole city."""


def _stores(path: str = "") -> Place:
    """By the store at the end of a path of columns, or by the row itself if it is a store. What
    states no district is the city's alone, what lies in no street the district's and the city's."""
    prefix = path and f"{path}__"
    return lambda area: (
        Q(**{f"{prefix}district__in": area.adcodes}) | Q(**{f"{prefix}street__in": area.streets})
    )


def _residents(path: str = "") -> Place:
    """By the resident at the end of a path, or by the row itself. A resident lives in the street of
    the district of residence whose name is the one on file, letter by letter."""
    prefix = path and f"{path}__"

    def place(area: Area) -> Q:
        home = Street.objects.filter(
            code__in=area.streets,
            district=OuterRef(f"{prefix}district"),
            name=OuterRef(f"{prefix}street"),
        )
        inside = Q(**{f"{prefix}district__in": area.adcodes})
        return inside | Q(Exists(home)) if area.streets else inside

    return place


def _districts(area: Area) -> Q:
    """Districts, and those of the streets."""
    of_streets = Street.objects.filter(code__in=area.streets)
    return Q(pk__in=area.adcodes) | Q(pk__in=of_streets.values("district"))


def _streets(area: Area) -> Q:
    return Q(district__in=area.adcodes) | Q(pk__in=area.streets)


def _stores_in(area: Area) -> QuerySet[Store]:
    return Store.objects.filter(_stores()(area))


def _merchants_with_a_store(path: str) -> Place:
    """Merchants of which some store lies there."""
    return lambda area: Q(**{f"{path}__in": _stores_in(area).values("merchant_id")})


def _merchants_wholly(path: str) -> Place:
    """Merchants all of whose stores lie there: what is one sum for a merchant is in one area."""

    def place(area: Area) -> Q:
        outside = Store.objects.exclude(_stores()(area))
        return Q(**{f"{path}__in": _stores_in(area).values("merchant_id")}) & ~Q(
            **{f"{path}__in": outside.values("merchant_id")}
        )

    return place


def _campaigns_with_a_store(path: str) -> Place:
    """Campaigns in which a store there takes part, at any time."""

    def place(area: Area) -> Q:
        taking_part = CampaignStore.objects.filter(_stores("store")(area))
        return Q(**{f"{path}__in": taking_part.values("campaign_id")})

    return place


def _stores_by_number(area: Area) -> Q:
    """Rows that name a store without a foreign key."""
    return Q(store_id__in=_stores_in(area).values("id"))


def _both(one: str, other: str) -> Place:
    """Rows about two residents, both of whom live there."""
    return lambda area: _residents(one)(area) & _residents(other)(area)


ACTED_ON: Final[Mapping[type[Model], Place]] = {
    Store: _stores(),
    StoreLocation: _stores("store"),
    Terminal: _stores("store"),
    Merchant: _merchants_wholly("pk"),
    Redemption: _stores("store"),
    Hold: _stores("redemption__store"),
    Resident: _residents(),
    Consent: _residents("resident"),
    Exclusion: _residents("resident"),
    Link: _residents("resident"),
    Proxy: _both("holder", "proxy"),
    ResidentMerge: _both("member", "kept"),
    Paper: _residents("holder"),
}
"""What a grant for districts and streets may change, where its role may. All else is the city's."""

SHOWN: Final[Mapping[type[Model], Place]] = {
    **ACTED_ON,
    District: _districts,
    Street: _streets,
    Merchant: _merchants_with_a_store("pk"),
    Credential: _stores("terminal__store"),
    EnrolmentCode: _stores("terminal__store"),
    Campaign: _campaigns_with_a_store("pk"),
    CampaignStore: _stores("store"),
    FundingSource: _campaigns_with_a_store("campaign"),
    Geofence: _campaigns_with_a_store("campaign"),
    LimitRule: _campaigns_with_a_store("campaign"),
    Ring: _campaigns_with_a_store("campaign"),
    Round: _campaigns_with_a_store("campaign"),
    Tier: _campaigns_with_a_store("campaign"),
    TierSplit: _campaigns_with_a_store("tier__campaign"),
    ResidentPoint: _residents("resident"),
    Voucher: _residents("resident"),
    Presentation: _residents("voucher__resident"),
    Refund: _stores("store"),
    RefundPart: _stores("refund__store"),
    Signal: _stores("store"),
    Attempt: _stores_by_number,
    Settlement: _merchants_wholly("merchant"),
    SettlementLine: _merchants_wholly("settlement__merchant"),
    Collection: _merchants_wholly("merchant"),
    CollectionLine: _merchants_wholly("collection__merchant"),
}
"""What it shows."""
