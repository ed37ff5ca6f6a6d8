"""What the demonstration reads of its day: who can use what, whom it brought, what was lost."""

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from merchants.models import Merchant
from vouchers.models import Campaign, Hold, Redemption, Resident, Tranche, Voucher
from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.queries.campaigns.overview import LIVE
from vouchers.states import VoucherState


@dataclass(frozen=True, slots=True)
class HeldVoucher:
    """A resident's voucher with the terms of its tranche."""

    id: int
    face_fen: int
    threshold_fen: int
    valid_until_at: datetime


@dataclass(frozen=True, slots=True)
class Holder:
    """A resident and what they can still use of one campaign, the smallest face first."""

    resident_no: str
    vouchers: tuple[HeldVoucher, ...]


@dataclass(frozen=True, slots=True)
class Customers:
    """Residents who redeemed in a campaign, and how many of them had never been customers."""

    residents: int
    first_time: int


def sample_holders(*, campaign_id: int, most: int, seed: int) -> list[Holder]:
    """At most `most` residents with unused vouchers of a campaign, drawn at random.

    Vouchers are drawn evenly over the tranches, so a resident with several is drawn more often. The
    same seed draws the same residents from the same rows.
    """
    tranches = list(Tranche.objects.filter(campaign_id=campaign_id).order_by("id"))
    rng = random.Random(seed)  # noqa: S311  # a sample, not a secret
    issued = sum(tranche.voucher_count for tranche in tranches)
    if not issued:
        return []
    drawn: list[int] = []
    for tranche in tranches:
        # Many hold several vouchers: twice as many are drawn as residents are wanted.
        share = min(tranche.voucher_count, 2 * most * tranche.voucher_count // issued + 1)
        serials = rng.sample(range(tranche.voucher_count), share)
        drawn += [(tranche.pk << SERIAL_BITS) + serial for serial in serials]
    owners = set(Voucher.objects.filter(id__in=drawn).values_list("resident_id", flat=True))
    chosen = sorted(owners)
    rng.shuffle(chosen)
    return _holders(tranches, chosen[:most])


def _holders(tranches: Iterable[Tranche], resident_ids: list[int]) -> list[Holder]:
    """The residents in this order, without those who have nothing left to use."""
    by_id = {tranche.pk: tranche for tranche in tranches}
    rows = Voucher.objects.filter(
        resident_id__in=resident_ids,
        state=VoucherState.ISSUED,
        id__gte=min(by_id) << SERIAL_BITS,
        id__lt=(max(by_id) + 1) << SERIAL_BITS,
    ).values_list("id", "resident_id")
    held: dict[int, list[HeldVoucher]] = defaultdict(list)
    for voucher_id, resident_id in rows:
        tranche = by_id.get(voucher_id >> SERIAL_BITS)
        if tranche is not None:
            terms = (tranche.face_fen, tranche.threshold_fen, tranche.valid_until_at)
            held[resident_id].append(HeldVoucher(voucher_id, *terms))
    numbers = Resident.objects.in_bulk(list(held))
    return [
        Holder(
            numbers[resident_id].external_id,
            tuple(sorted(held[resident_id], key=lambda voucher: (voucher.face_fen, voucher.id))),
        )
        for resident_id in resident_ids
        if resident_id in held
    ]


def customers_of(*, campaign: Campaign, merchant: Merchant, customer_bit: int) -> Customers:
    """Who redeemed a campaign's vouchers at a merchant.

    First-time: not tagged as a customer, and nothing redeemed at this merchant under an earlier
    campaign.
    """
    here = Redemption.objects.filter(merchant=merchant, state__in=LIVE)
    redeemed = here.filter(campaign=campaign).values("resident_id")
    earlier = here.filter(campaign__id__lt=campaign.pk).values("resident_id")
    people = Resident.objects.filter(pk__in=redeemed)
    strangers = people.annotate(known=F("tags").bitand(1 << customer_bit)).filter(known=0)
    return Customers(people.count(), strangers.exclude(pk__in=earlier).count())


def held_among(redemption_ids: Iterable[int]) -> set[int]:
    """Those of these redemptions whose money is held."""
    rows = Hold.objects.filter(redemption_id__in=list(redemption_ids), released_at=None)
    return set(rows.values_list("redemption_id", flat=True))


def lost_redemptions(redemption_ids: Iterable[int]) -> list[int]:
    """Which of these acknowledged redemptions are not on file; it should be none."""
    wanted = set(redemption_ids)
    found = Redemption.objects.filter(pk__in=wanted).values_list("pk", flat=True)
    return sorted(wanted.difference(found))
