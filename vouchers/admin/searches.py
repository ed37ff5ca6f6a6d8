"""What a typed number means, by its form: each reading is a condition that one index answers.

A reading gets the text without outer blanks and returns None where the text is not of its form. No
reading looks for a part of a text, and none joins: keys are looked up first, one by one.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, ClassVar

from django.conf import settings
from django.db.models import BigIntegerField, Q, QuerySet
from django.db.models.functions import Upper
from django.http import HttpRequest

from merchants.models import Merchant, Store
from merchants.references import folded
from vouchers.models import OrderClaim, Refund, Resident, Voucher
from vouchers.models.redemption.redemptions import claimed_no
from vouchers.rules.issuing import numbered_codes
from vouchers.rules.issuing.codes import decode, numbered, typed
from vouchers.states import RedemptionState

Reading = Callable[[str], Q | None]

SUBJECTS = ("resident", "store", "merchant", "device")
"""Whom a signal can be about."""
LONGEST = 400
"""Characters of the longest thing searched for, the key of a message."""
STANDS = (RedemptionState.AUTHORISED, RedemptionState.CAPTURED)


class ExactSearch:
    """Searches by whole numbers only: what any of the readings finds."""

    searches: ClassVar[Sequence[Reading]] = ()

    def get_search_fields(self, request: HttpRequest) -> Sequence[str]:
        """Django shows a field for the search if there is any."""
        return [reading.__name__ for reading in self.searches]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The rows meant by the term; none where it means nothing here."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if len(term) > LONGEST:
            return queryset.none(), False
        found = Q(pk__in=[])
        for reading in self.searches:
            condition = reading(term)
            if condition is not None:
                found |= condition
        return queryset.filter(found), False


def number(column: str = "pk") -> Reading:
    """The number of a row, or of what `column` refers to."""

    def by_number(term: str) -> Q | None:
        return Q(**{column: int(term)}) if term.isdecimal() and _fits(int(term)) else None

    return by_number


def _fits(key: int) -> bool:
    """PostgreSQL compares a larger number as a numeric, which no index helps."""
    return key <= BigIntegerField.MAX_BIGINT


def text(column: str) -> Reading:
    """The whole of a text."""

    def by_text(term: str) -> Q | None:
        return Q(**{column: term})

    return by_text


def voucher_id(term: str) -> int | None:
    """The voucher of a printed code, or of tranche and serial."""
    found = decode(typed(term), settings.HUIMIN_CODE_KEY) or numbered(term)
    return found if found is not None and _fits(found) else None


def voucher(column: str = "pk") -> Reading:
    """A voucher's printed code or its tranche and serial."""

    def by_voucher(term: str) -> Q | None:
        found = voucher_id(term)
        return None if found is None else Q(**{column: found})

    return by_voucher


def shown_code(kind: str) -> Reading:
    """The code of a paper, or of a code shown once: it holds the number of its row."""

    def by_code(term: str) -> Q | None:
        found = numbered_codes.decode(typed(term), settings.HUIMIN_CODE_KEY)
        return None if found is None or found.kind != kind else Q(pk=found.number)

    return by_code


def resident_id(term: str) -> int | None:
    """The resident of a whole resident number."""
    rows = Resident.objects.filter(external_id=term).order_by()
    return rows.values_list("pk", flat=True).first()


def resident(*columns: str) -> Reading:
    """Rows about a resident, by the whole resident number."""

    def by_resident(term: str) -> Q | None:
        found = resident_id(term)
        if found is None:
            return None
        condition = Q()
        for column in columns:
            condition |= Q(**{column: found})
        return condition

    return by_resident


def holder(term: str) -> Q | None:
    """Rows about the vouchers that a resident holds, by the whole resident number."""
    found = resident_id(term)
    if found is None:
        return None
    held = Voucher.objects.filter(resident_id=found).order_by().values_list("pk", flat=True)
    return Q(voucher_id__in=list(held))


def merchant(term: str) -> Q | None:
    """Rows about a merchant, by its whole code."""
    found = Merchant.objects.filter(code=term).values_list("pk", flat=True).first()
    return None if found is None else Q(merchant_id=found)


def standing_redemption(term: str) -> Q | None:
    """The voucher's current redemption; the hotline page lists earlier ones."""
    found = voucher_id(term)
    return None if found is None else Q(voucher_id=found, state__in=STANDS)


def order(term: str) -> Q | None:
    """The redemptions of an order number, in any store and in the sandbox: voided ones have given
    it up.

    An order number is unique in its store, so each store's is looked up in the one index there is.
    """
    stores = list(Store.objects.order_by().values_list("pk", flat=True))
    claims = OrderClaim.objects.filter(
        store_id__in=stores,
        order_no__in=[claimed_no(term, is_test=is_test) for is_test in (False, True)],
        redemption_id__isnull=False,
    )
    return Q(pk__in=list(claims.values_list("redemption_id", flat=True)))


def store_and_day(term: str) -> Q | None:
    """The redemptions of a store on a business day: `0012 2026-11-28`."""
    store_no, _blank, day = term.rpartition(" ")
    try:
        business_day = date.fromisoformat(day)
    except ValueError:
        return None
    numbered_so = Store.objects.annotate(folded_no=Upper("external_id"))
    stores = numbered_so.filter(folded_no=folded(store_no.strip())).order_by()
    return Q(store_id__in=list(stores.values_list("pk", flat=True)), business_day=business_day)


def refund(term: str) -> Q | None:
    """The refunds of a refund number, which is unique in its merchant."""
    merchants = list(Merchant.objects.order_by().values_list("pk", flat=True))
    numbered_so = Refund.objects.annotate(folded_no=Upper("refund_no"))
    refunds = numbered_so.filter(merchant_id__in=merchants, folded_no=folded(term)).order_by()
    return Q(pk__in=list(refunds.values_list("pk", flat=True)))


def subject(term: str) -> Q | None:
    """Signals about a subject of any kind: a resident, a store, a link, by its number."""
    found = number("subject_id")(term)
    return None if found is None else found & Q(subject__in=SUBJECTS)


def business_day(term: str) -> Q | None:
    """Rows of a day, `2026-11-28`."""
    try:
        return Q(business_day=date.fromisoformat(term))
    except ValueError:
        return None
