"""The links (device, phone, card, account) that redemptions and claims count for."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from merchants.references import folded
from vouchers.models.residents.residents import FIND_LINKS
from vouchers.rules.limits.limits import link_no, link_nos
from vouchers.services.residents.identity import keyed_hash
from vouchers.sql.pipeline import raw_connection

Links = tuple[int, ...] | None
"""Numbers of links, ascending; None where the campaign limits none."""


class Asked(NamedTuple):
    """Of a redemption or claim whose campaign limits links: the holder, and the device that the
    voucher was shown or claimed on."""

    holder_id: int
    device: str
    shown_by_proxy: bool


def links_of(asked: Sequence[Asked | None]) -> list[Links]:
    """The links of each, in one statement; no statement where no campaign limits links."""
    holders = sorted({one.holder_id for one in asked if one is not None})
    if not holders:
        return [None] * len(asked)
    known: dict[int, set[int]] = defaultdict(set)
    for holder_id, value_hash in FIND_LINKS.send(
        raw_connection(), {"resident_ids": holders}
    ).rows():
        known[holder_id].add(link_no(value_hash))
    return [
        None
        if one is None
        else link_nos(
            of_holder=known[one.holder_id],
            device=link_no(keyed_hash("device", folded(one.device))) if one.device else None,
            shown_by_proxy=one.shown_by_proxy,
        )
        for one in asked
    ]
