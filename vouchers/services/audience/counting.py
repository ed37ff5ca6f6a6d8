"""Progress of a preview, kept in Valkey for the page that waits for it.

Without Valkey a preview takes as long and shows no progress.
"""

from typing import Final

from django.conf import settings
from django.contrib.auth.models import User

from vouchers.models import Campaign
from vouchers.services.valkey import Valkey

KEPT_S: Final = 60
"""After which the figure of a count that was killed is gone."""
VALKEY: Final = Valkey(answer_s=0.5, pause_s=10.0, without="counts do not say how far they are")


class Counting:
    """The progress of one person's preview of a campaign, of `total` residents in all."""

    def __init__(self, *, campaign: Campaign, by: User, total: int) -> None:
        self._key = _key(campaign, by)
        self._total = max(total, 1)
        self._done = 0
        self._said_pct = -1

    def add(self, residents: int) -> None:
        """Count `residents` more as judged; every whole per cent is written once."""
        self._done += residents
        pct = min(100, 100 * self._done // self._total)
        if pct == self._said_pct:
            return
        self._said_pct = pct
        VALKEY.ask(lambda client: client.set(self._key, pct, ex=KEPT_S), otherwise=None)


def counted_pct(*, campaign: Campaign, by: User) -> int | None:
    """How much of a person's preview is done, in whole per cent; None where nothing is known."""
    found = VALKEY.ask(lambda client: client.get(_key(campaign, by)), otherwise=None)
    return int(found) if isinstance(found, bytes) and found.isdigit() else None


def end_counting(*, campaign: Campaign, by: User) -> None:
    """Forget the progress of a preview, once it is done."""
    VALKEY.ask(lambda client: client.delete(_key(campaign, by)), otherwise=None)


def _key(campaign: Campaign, by: User) -> str:
    return f"huimin:{settings.HUIMIN_CELL}:counting:{campaign.pk}:{by.pk}"
