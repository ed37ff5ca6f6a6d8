"""The record of a load made wrong in one way after the other: what the checker must find."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tests.support.mixed_load.load import Load
from tests.support.mixed_load.log import USING, Entry, Kind, Log, Repeat
from vouchers.states import AccountKind

MOMENT_S = 0.001
UNDOING = (Kind.VOID, Kind.REVERSE, Kind.REFUND)


def a_page_of_errors(load: Load) -> Load:
    """A server says 500 in HTML."""
    return _logged(load, broken=["broken (500) to /api/v1/claims"])


def a_replay_of_other_bytes(load: Load) -> Load:
    """The same key is answered with another time."""
    entry = _first(load.log, *USING)
    repeat = Repeat(entry.key, entry.status, entry.body.replace(b"T", b" ", 1))
    return _logged(load, repeats=[*load.log.repeats, repeat])


def an_answer_not_stored(load: Load) -> Load:
    """A key that was answered is free again."""
    key = _first(load.log, *USING).key
    requests = {each: answer for each, answer in load.books.requests.items() if each != key}
    return replace(load, books=replace(load.books, requests=requests))


def a_lost_redemption(load: Load) -> Load:
    """What was acknowledged is not there."""
    return replace(load, books=replace(load.books, redemptions=load.books.redemptions[:-1]))


def a_redemption_written_twice(load: Load) -> Load:
    """One yes has two rows."""
    first, *others = load.books.redemptions
    return replace(load, books=replace(load.books, redemptions=[first, first, *others]))


def a_lost_refund(load: Load) -> Load:
    """The shopper has their money, the sources do not have theirs."""
    return replace(load, books=replace(load.books, refunds=load.books.refunds[1:]))


def a_claim_of_no_client(load: Load) -> Load:
    """A unit is gone, and was acknowledged to no client."""
    entry = _first(load.log, Kind.CLAIM)
    return _logged(load, entries=[each for each in load.log.entries if each is not entry])


def a_voucher_used_twice(load: Load) -> Load:
    """Right after a yes another till is answered yes for the same voucher."""
    entry = _first(load.log, Kind.REDEEM)
    again = _moved(entry, entry.ended_s + MOMENT_S / 3, MOMENT_S / 3)
    order = {**entry.sent, "order_no": "N-1"}
    body = _with(entry, id=entry.answer["id"] + 1_000_000, order_no="N-1")
    twice = replace(again, key="N-1", sent=order, body=body)
    return _logged(load, entries=[*load.log.entries, twice])


def an_undoing_before_its_redemption(load: Load) -> Load:
    """A redemption is answered to be undone before any till asked for it."""
    uses = {entry.answer["id"]: entry for entry in load.log.yeses(*USING)}
    undone = next(entry for entry in load.log.yeses(*UNDOING) if entry.answer["id"] in uses)
    before_s = uses[undone.answer["id"]].began_s - 2 * MOMENT_S
    return _logged(load, entries=_exchanged(load.log, undone, _moved(undone, before_s, MOMENT_S)))


def a_refusal_before_its_reason(load: Load) -> Load:
    """ "Already used" is said of a voucher that no client has touched yet."""
    entry = next(each for each in load.log.entries if each.code == "voucher_redeemed")
    before_s = min(each.began_s for each in load.log.histories[entry.hand]) - 2 * MOMENT_S
    return _logged(load, entries=_exchanged(load.log, entry, _moved(entry, before_s, MOMENT_S)))


def a_voucher_left_in_another_state(load: Load) -> Load:
    """The last of its acts has left no trace in its row."""
    code = _first(load.log, Kind.REDEEM).answer["voucher"]
    state = load.books.vouchers[code]
    other = next(each for each in type(state) if each is not state)
    vouchers = {**load.books.vouchers, code: other}
    return replace(load, books=replace(load.books, vouchers=vouchers))


def sold_out_too_early(load: Load) -> Load:
    """The first claim is answered that nothing is left."""
    entry = min(load.log.yeses(Kind.CLAIM), key=lambda each: each.began_s)
    early = _moved(entry, entry.began_s - 2 * MOMENT_S, MOMENT_S)
    refused = replace(early, key="N-1", status=409, body=b'{"code": "sold_out"}')
    return _logged(load, entries=[*load.log.entries, refused])


def more_claims_than_units(load: Load) -> Load:
    """There was one unit."""
    return replace(load, ground=replace(load.ground, units=1))


def a_fen_in_the_wrong_account(load: Load) -> Load:
    """Every source's money adds up, and yet a fen is not where the answers say."""
    (source, held), *others = load.books.balances.items()
    changed = {
        **held,
        AccountKind.FREE: held[AccountKind.FREE] + 1,
        AccountKind.PAYABLE: held[AccountKind.PAYABLE] - 1,
    }
    balances = {source: changed, **dict(others)}
    return replace(load, books=replace(load.books, balances=balances))


def books_that_do_not_balance(load: Load) -> Load:
    """The audit says so."""
    return replace(load, books=replace(load.books, verdict="double_entry: 1 transfer"))


SPOILT: Mapping[Callable[[Load], Load], str] = {
    a_page_of_errors: "only answers that a server may give",
    a_replay_of_other_bytes: "one key, one answer, byte for byte",
    an_answer_not_stored: "one key, one answer, byte for byte",
    a_lost_redemption: "every yes has one effect, every effect one yes",
    a_redemption_written_twice: "every yes has one effect, every effect one yes",
    a_lost_refund: "every yes has one effect, every effect one yes",
    a_claim_of_no_client: "every yes has one effect, every effect one yes",
    a_voucher_used_twice: "every hand's acts have one order in real time",
    an_undoing_before_its_redemption: "every hand's acts have one order in real time",
    a_refusal_before_its_reason: "every hand's acts have one order in real time",
    a_voucher_left_in_another_state: "every hand's acts have one order in real time",
    sold_out_too_early: "claims within their units, sold out only when it was so",
    more_claims_than_units: "claims within their units, sold out only when it was so",
    a_fen_in_the_wrong_account: "balances are the sums of acknowledged effects",
    books_that_do_not_balance: "the audit proves the books",
}
"""Each with the invariant that it breaks."""


def _first(log: Log, *kinds: Kind) -> Entry:
    return log.yeses(*kinds)[0]


def _logged(load: Load, **change: Any) -> Load:
    return replace(load, log=replace(load.log, **change))


def _moved(entry: Entry, began_s: float, took_s: float) -> Entry:
    return replace(entry, began_s=began_s, ended_s=began_s + took_s)


def _exchanged(log: Log, old: Entry, new: Entry) -> list[Entry]:
    return [new if entry is old else entry for entry in log.entries]


def _with(entry: Entry, **figures: Any) -> bytes:
    return json.dumps({**entry.answer, **figures}).encode()
