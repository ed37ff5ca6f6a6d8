"""Which store a till means: stores are numbered by their merchant, so a number is looked up among
the merchants and stores of the caller. To others a store does not exist.
"""

from collections.abc import Iterable
from typing import Final

from merchants.auth import Caller
from merchants.errors import Refusal
from merchants.references import folded
from vouchers.models.campaigns.facts import FIND_STORES, StoreRow
from vouchers.sql.pipeline import raw_connection

STORE_AMBIGUOUS: Final = "store_ambiguous"


def may_act_for(caller: Caller, store: StoreRow) -> bool:
    """Whether a store is the caller's."""
    if store.merchant_id not in caller.merchant_ids:
        return False
    return caller.store_ids is None or store.id in caller.store_ids


def resolve(
    candidates: Iterable[StoreRow], *, caller: Caller, store_no: str, merchant: str
) -> StoreRow | Refusal:
    """The caller's store of that number, and of that merchant (by code) unless it is empty.

    Refuses `store_not_found`, and `malformed_request` (rule `store_ambiguous`) when several of the
    caller's merchants have the number. Candidates may be any stores.
    """
    wanted_no, wanted_code = folded(store_no), folded(merchant)
    own = [
        store
        for store in candidates
        if folded(store.external_id) == wanted_no
        and (not wanted_code or folded(store.merchant) == wanted_code)
        and may_act_for(caller, store)
    ]
    if not own:
        return Refusal("store_not_found")
    if len(own) > 1:
        facts = {"field": "$.merchant", "store": store_no}
        return Refusal("malformed_request", STORE_AMBIGUOUS, facts)
    return own[0]


def is_ambiguous(found: StoreRow | Refusal) -> bool:
    """Whether the request has to name its merchant; that answer is not stored under its key."""
    return isinstance(found, Refusal) and found.rule == STORE_AMBIGUOUS


def find_store(*, caller: Caller, store_no: str, merchant: str) -> StoreRow | Refusal:
    """`resolve` among the stores on file."""
    candidates = FIND_STORES.send(
        raw_connection(),
        {"store_nos": [folded(store_no)], "merchant_ids": [merchants_of(caller)]},
    )
    return resolve(candidates.rows(), caller=caller, store_no=store_no, merchant=merchant)


def merchants_of(caller: Caller) -> str:
    """The caller's merchants as the text of a bigint[]: one item of a list of lists."""
    return f"{{{','.join(map(str, sorted(caller.merchant_ids)))}}}"
