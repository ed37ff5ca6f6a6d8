"""Residents on file, and the vouchers they hold."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec
from django.conf import settings
from django.db.models import Exists, F, OuterRef, Value

from merchants.errors import Refused
from vouchers.models import Resident, Tranche, Voucher
from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.models.sandbox import campaign_now
from vouchers.rules.issuing.codes import encode
from vouchers.rules.residents import resident_of
from vouchers.states import TrancheState, VoucherState

EXPIRED: Final = "expired"


def resident_numbered(external_id: str, *, is_test: bool) -> Resident:
    """The resident of that number, for a key of the sandbox or a live one. Refuses `not_found`."""
    on_file = Resident.objects.filter(external_id=external_id).first()
    found = resident_of(on_file, is_test=is_test)
    if found is None:
        raise Refused("not_found", "resident_unknown")
    return found


class Standing(msgspec.Struct, frozen=True):
    """What a channel reads of a resident: nothing personal."""

    resident: str
    state: str
    # Kinds of places on file, and what they agree to.
    places: list[str]
    consents: list[str]
    is_identified: bool


def standing_of(resident: Resident) -> Standing:
    """A resident as they stand now."""
    places = resident.points.filter(superseded_at=None)
    consents = resident.consents.filter(withdrawn_at=None)
    return Standing(
        resident=resident.external_id,
        state=resident.state,
        places=sorted(places.values_list("kind", flat=True)),
        consents=sorted(consents.values_list("purpose", flat=True)),
        is_identified=resident.identity_hmac is not None,
    )


def count_residents() -> int:
    """Residents on file, whatever their state."""
    return Resident.objects.count()


class WalletVoucher(msgspec.Struct, frozen=True):
    """A voucher and its terms. Amounts are fen, instants UTC."""

    # The printed code: the voucher's number in every other call.
    code: str
    # issued, authorised, redeemed, withdrawn, or expired: unused after its end.
    state: str
    campaign: str
    campaign_name: str
    tier: str
    tier_name: str
    kind: str
    face_fen: int
    threshold_fen: int
    threshold_basis: str
    percent_bp: int | None
    valid_from_at: datetime
    valid_until_at: datetime


WALLET_PAGE: Final = 200
"""Vouchers of a wallet read at once."""


def wallet_of(
    resident: Resident, *, is_test: bool, at: datetime, after_id: int | None = None
) -> list[WalletVoucher]:
    """The vouchers that a resident holds of live or of sandbox campaigns, newest first: the first
    `WALLET_PAGE`, or those that come after the voucher with an id.

    Only the resident's own: neither those they may show as a proxy nor those of merged residents.
    """
    tranche = Tranche.objects.filter(pk=OuterRef("tranche_no"), campaign__is_test=is_test)
    held = Voucher.objects.filter(resident=resident).annotate(
        tranche_no=F("id").bitrightshift(SERIAL_BITS)
    )
    if after_id is not None:
        held = held.filter(id__lt=after_id)
    page = list(held.filter(Exists(tranche)).order_by("-id")[:WALLET_PAGE])
    tranches = _tranches({voucher.tranche_id for voucher in page}, is_test=is_test, at=at)
    return [_in_wallet(voucher, *tranches[voucher.tranche_id]) for voucher in page]


def _tranches(
    tranche_ids: Iterable[int], *, is_test: bool, at: datetime
) -> dict[int, tuple[Tranche, datetime]]:
    """Each with the time in its campaign; only test campaigns have clocks."""
    found = Tranche.objects.filter(pk__in=sorted(tranche_ids))
    timed = found.annotate(now=campaign_now(at, "campaign__") if is_test else Value(at))
    return {
        tranche.pk: (tranche, tranche.now) for tranche in timed.select_related("campaign", "tier")
    }


def _in_wallet(voucher: Voucher, tranche: Tranche, at: datetime) -> WalletVoucher:
    return WalletVoucher(
        code=encode(voucher.pk, settings.HUIMIN_CODE_KEY),
        state=_state(voucher, tranche, at),
        campaign=tranche.campaign.code,
        campaign_name=tranche.campaign.name,
        tier=tranche.tier.code,
        tier_name=tranche.tier.name,
        kind=tranche.kind,
        face_fen=tranche.face_fen,
        threshold_fen=tranche.threshold_fen,
        threshold_basis=tranche.threshold_basis,
        percent_bp=tranche.percent_bp,
        valid_from_at=tranche.valid_from_at,
        valid_until_at=tranche.valid_until_at,
    )


def _state(voucher: Voucher, tranche: Tranche, at: datetime) -> str:
    is_over = at >= tranche.valid_until_at or tranche.state == TrancheState.EXPIRED
    if voucher.state == VoucherState.ISSUED and is_over:
        return EXPIRED
    return VoucherState(voucher.state).name.lower()
