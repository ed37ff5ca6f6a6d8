"""Quotas taken from as a claim does, for tests of what is in their buckets."""

from collections.abc import Mapping

from django.db import transaction

from merchants.errors import Refused
from vouchers.rules.ledger.quotas import Need, short
from vouchers.services.ledger import quotas


class _ShortHereError(Exception):
    """A sub-bucket is short; its locks are given up with the savepoint."""


def take_some(*, needs: Mapping[int, Need], hint: int) -> None:
    """Take what is needed of every cell (by id), or nothing: of the sub-bucket that the hint
    chooses, and only where one is short of all of them. Refuses `quota_exhausted` and
    `quota_not_open`."""
    try:
        with transaction.atomic():
            _take(quotas.lock_buckets(cell_ids=needs, hint=hint), needs)
    except _ShortHereError:
        buckets = quotas.lock_buckets(cell_ids=needs)
        if full := short(quotas.rooms_of(buckets), needs):
            raise Refused("quota_exhausted", "quota_cell", cell=full[0]) from None
        quotas.take_locked(buckets=buckets, needs=needs)


def _take(buckets: quotas.Buckets, needs: Mapping[int, Need]) -> None:
    if short(quotas.rooms_of(buckets), needs):
        raise _ShortHereError
    quotas.take_locked(buckets=buckets, needs=needs)
