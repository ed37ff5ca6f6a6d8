"""Who takes part in the day, and what they show at the till."""

import secrets
from typing import Final

from django.conf import settings

from merchants.services.credentials import KEY_BYTES, key_prefix
from vouchers.demo.group import TillKey
from vouchers.demo.scene import Card
from vouchers.demo.telling import patiently
from vouchers.models import Campaign
from vouchers.queries.demo import Holder, sample_holders
from vouchers.rules.issuing.codes import encode

EXPIRED: Final = 100


class TooFewHoldersError(RuntimeError):
    """So few people hold vouchers that there is no day to show."""


def draw_people(
    campaign: Campaign, orders: int, others: int, *, seed: int | None = None
) -> tuple[list[Holder], list[Holder]]:
    """Who shops, and who is drawn into attacks. In a small city there are fewer of both. `seed` is
    the campaign's number unless other people are wanted."""
    most, lot = orders + others, campaign.pk if seed is None else seed
    found = patiently(lambda: sample_holders(campaign_id=campaign.pk, most=most, seed=lot))
    shoppers = min(orders, len(found) - others)
    if shoppers <= 0:
        raise TooFewHoldersError(
            f"Only {len(found)} people hold vouchers, which is too few for a merchant day:"
            " more residents, or stores nearer to them, are needed."
        )
    return found[:shoppers], found[shoppers:]


def draw_expired(trial: Campaign) -> list[Holder]:
    """People whose vouchers of the trial are over."""
    return patiently(lambda: sample_holders(campaign_id=trial.pk, most=EXPIRED, seed=trial.pk))


def cards_of(holder: Holder) -> list[Card]:
    """What a person can show, the smallest face first."""
    return [
        Card(
            code=encode(voucher.id, settings.HUIMIN_CODE_KEY),
            resident_no=holder.resident_no,
            face_fen=voucher.face_fen,
            threshold_fen=voucher.threshold_fen,
        )
        for voucher in holder.vouchers
    ]


def stranger(key: TillKey) -> TillKey:
    """A terminal's place, and a key that was never issued."""
    text = key_prefix(is_test=False) + secrets.token_urlsafe(KEY_BYTES)
    return TillKey(key.store_no, key.terminal, text)
