"""The figures of each campaign's last preview, remembered in Valkey for a week.

Only what the preview showed is kept: counts of ten people or more, in tens. The campaign's history
says which preview was the last; figures of another one, or of a database that was restored since,
do not count. When Valkey has lost them, the audience is previewed again.
"""

import logging
from datetime import datetime
from typing import Final

import msgspec
from django.conf import settings

from vouchers.models import Campaign
from vouchers.rules.audience.figures import Figures
from vouchers.services.valkey import Valkey

log = logging.getLogger(__name__)

KEPT_S: Final = 7 * 24 * 3_600
VALKEY: Final = Valkey(answer_s=0.5, without="previews are neither remembered nor recalled")


class Reached(msgspec.Struct, frozen=True):
    """People reached: in all, by id of the store that decides, and by district of residence (0
    unknown); None for fewer than ten. `at` is the instant of the preview."""

    at: datetime
    targeted: int | None
    stores: dict[int, int | None]
    districts: dict[int, int | None]
    seniors: dict[int, int | None]
    registered: dict[int, int | None]
    unregistered: dict[int, int | None]


def reached_of(figures: Figures, store_ids: tuple[int, ...], at: datetime) -> Reached:
    """What is kept of a preview's figures."""
    return Reached(
        at=at,
        targeted=figures.targeted,
        stores={store_ids[key]: count for key, count in figures.stores.items()},
        districts=dict(figures.districts),
        seniors=dict(figures.seniors),
        registered=dict(figures.registered),
        unregistered=dict(figures.unregistered),
    )


def remember(campaign: Campaign, reached: Reached) -> None:
    """Keep the figures of the preview that has just been made."""
    kept = msgspec.json.encode(reached)
    VALKEY.ask(lambda client: client.set(_key(campaign), kept, ex=KEPT_S), otherwise=None)


def recall(campaign: Campaign, *, at: datetime) -> Reached | None:
    """The figures of the preview that was made at `at`; None where they are not there any more."""
    found = VALKEY.ask(lambda client: client.get(_key(campaign)), otherwise=None)
    try:
        kept = msgspec.json.decode(found, type=Reached) if isinstance(found, bytes) else None
    except msgspec.DecodeError as error:
        log.warning("the last preview could not be recalled: %s", error)
        return None
    return kept if kept and kept.at == at else None


def _key(campaign: Campaign) -> str:
    return f"huimin:{settings.HUIMIN_CELL}:previewed:{campaign.pk}"
