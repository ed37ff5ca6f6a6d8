"""Where a row lies: which rows of a table a grant for some districts shows, and which it lets act
on. The one declaration of both.

A table that is in neither list is for the whole city alone, so a new one is closed until somebody
says where its rows lie. Decision 0031 says why each lies where it does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from django.contrib.auth.models import User
from django.db.models import Model, Q, QuerySet

from merchants.models import (
    Credential,
    District,
    EnrolmentCode,
    Merchant,
    Store,
    StoreLocation,
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
    """Some districts by adcode, or the whole city (`adcodes` None)."""

    adcodes: frozenset[int] | None = frozenset()

    @property
    def is_city(self) -> bool:
        """Whether it is the whole city, with all that lies in no district."""
        return self.adcodes is None

    def __or__(self, other: Self) -> "Area":
        if self.adcodes is None or other.adcodes is None:
            return CITY
        return Area(self.adcodes | other.adcodes)

    def shows(self, model: type[Model]) -> bool:
        """Whether any row of a table may be seen from here."""
        return self.is_city or (self != NOWHERE and model in SHOWN)

    def covers(self, adcode: int | None) -> bool:
        """Whether what lies in a district (None: in no known one) lies here."""
        return self.adcodes is None or adcode in self.adcodes

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
        return rows.none() if place is None else rows.filter(place(self.adcodes))


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

Place = Callable[[frozenset[int]], Q]
"""The condition under which a row of a table lies in some districts."""


def _by(path: str) -> Place:
    """By the district at the end of a path of columns; no district is nowhere but in the city."""
    return lambda adcodes: Q(**{f"{path}__in": adcodes})


def _merchants_with_a_store(path: str) -> Place:
    """Merchants of which some store lies there."""
    return lambda adcodes: Q(
        **{f"{path}__in": Store.objects.filter(district__in=adcodes).values("merchant_id")}
    )


def _merchants_wholly(path: str) -> Place:
    """Merchants all of whose stores lie there: what is one sum for a merchant is in one area."""

    def place(adcodes: frozenset[int]) -> Q:
        inside = Store.objects.filter(district__in=adcodes)
        outside = Store.objects.exclude(district__in=adcodes)
        return Q(**{f"{path}__in": inside.values("merchant_id")}) & ~Q(
            **{f"{path}__in": outside.values("merchant_id")}
        )

    return place


def _campaigns_with_a_store(path: str) -> Place:
    """Campaigns in which a store there takes part, at any time."""
    return lambda adcodes: Q(
        **{
            f"{path}__in": CampaignStore.objects.filter(store__district__in=adcodes).values(
                "campaign_id"
            )
        }
    )


def _stores_by_number(adcodes: frozenset[int]) -> Q:
    """Rows that name a store without a foreign key."""
    return Q(store_id__in=Store.objects.filter(district__in=adcodes).values("id"))


def _both(one: str, other: str) -> Place:
    """Rows about two residents, who both live there."""
    return lambda adcodes: Q(**{f"{one}__district__in": adcodes, f"{other}__district__in": adcodes})


ACTED_ON: Final[Mapping[type[Model], Place]] = {
    Store: _by("district"),
    StoreLocation: _by("store__district"),
    Terminal: _by("store__district"),
    Merchant: _merchants_wholly("pk"),
    Redemption: _by("store__district"),
    Hold: _by("redemption__store__district"),
    Resident: _by("district"),
    Consent: _by("resident__district"),
    Exclusion: _by("resident__district"),
    Link: _by("resident__district"),
    Proxy: _both("holder", "proxy"),
    ResidentMerge: _both("member", "kept"),
    Paper: _by("holder__district"),
}
"""What a grant for some districts may change, where its role may. All else is the city's."""

SHOWN: Final[Mapping[type[Model], Place]] = {
    **ACTED_ON,
    District: _by("pk"),
    Merchant: _merchants_with_a_store("pk"),
    Credential: _by("terminal__store__district"),
    EnrolmentCode: _by("terminal__store__district"),
    Campaign: _campaigns_with_a_store("pk"),
    CampaignStore: _by("store__district"),
    FundingSource: _campaigns_with_a_store("campaign"),
    Geofence: _campaigns_with_a_store("campaign"),
    LimitRule: _campaigns_with_a_store("campaign"),
    Ring: _campaigns_with_a_store("campaign"),
    Round: _campaigns_with_a_store("campaign"),
    Tier: _campaigns_with_a_store("campaign"),
    TierSplit: _campaigns_with_a_store("tier__campaign"),
    ResidentPoint: _by("resident__district"),
    Voucher: _by("resident__district"),
    Presentation: _by("voucher__resident__district"),
    Refund: _by("store__district"),
    RefundPart: _by("refund__store__district"),
    Signal: _by("store__district"),
    Attempt: _stores_by_number,
    Settlement: _merchants_wholly("merchant"),
    SettlementLine: _merchants_wholly("settlement__merchant"),
    Collection: _merchants_wholly("merchant"),
    CollectionLine: _merchants_wholly("collection__merchant"),
}
"""What it shows."""
