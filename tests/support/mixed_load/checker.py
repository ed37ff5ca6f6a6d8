"""Compares what clients were answered with what the database holds. Pure; it trusts neither.

Every invariant is a function that yields a sentence for each thing that is not so.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tests.support.mixed_load.books import Books, RedemptionRow, RefundRow
from tests.support.mixed_load.lifecycle import Standing
from tests.support.mixed_load.linear import an_order
from tests.support.mixed_load.log import USING, Entry, Kind, Log
from vouchers.states import AccountKind, RedemptionState, VoucherState

REMEMBERED_S = 1.0
"""For how long "sold out" may be said of a unit that came back, when the word of it was lost."""

Fens = Mapping[str, int]
"""Fen by source."""


@dataclass(frozen=True)
class Ground:
    """What was there before the first act: the budget and the face by source, units to claim, and
    the printed codes in each resident's hand."""

    appropriated: Fens
    face: Fens
    units: int
    hands: Mapping[str, Sequence[str]]


class Finding(NamedTuple):
    """An invariant that does not hold, and what shows it."""

    invariant: str
    what: str


def check(log: Log, books: Books, ground: Ground) -> list[Finding]:
    """Everything that is not as it should be."""
    return [
        Finding(invariant, what)
        for invariant, look in INVARIANTS.items()
        for what in look(log, books, ground)
    ]


def _only_good_answers(log: Log, books: Books, ground: Ground) -> Iterator[str]:
    yield from log.broken


def _one_answer_a_key(log: Log, books: Books, ground: Ground) -> Iterator[str]:
    heard = {entry.key: (entry.status, entry.body) for entry in log.entries if entry.is_stored}
    for again in log.repeats:
        if heard.get(again.key) != (again.status, again.body):
            yield f"{again.key} was answered {heard.get(again.key)}, and then {again}"
    for key, answer in heard.items():
        if books.requests.get(key) != answer:
            yield f"{key} was answered {answer}, stored is {books.requests.get(key)}"
    for key in books.requests.keys() - heard.keys():
        yield f"an answer is stored under {key}, which was answered to no client"


def _one_effect_a_yes(log: Log, books: Books, ground: Ground) -> Iterator[str]:
    uses = log.yeses(*USING)
    kinds: Sequence[tuple[str, Iterable[object], Iterable[object]]] = (
        ("redemption", map(_use, uses), map(_use_of, books.redemptions)),
        ("refund", map(_refund, log.yeses(Kind.REFUND)), books.refunds),
        ("claim", map(_claim, log.yeses(Kind.CLAIM)), books.claims),
        ("presented code", (e.answer["id"] for e in uses if _is_by_code(e)), books.spent),
    )
    for name, acknowledged, written in kinds:
        yield from _differences(name, Counter(acknowledged), Counter(written))
    states = _final_states(log)
    for row in books.redemptions:
        if row.id in states and states[row.id] is not row.state:
            yield f"redemption {row.id} is {row.state.name}, acknowledged is {states[row.id].name}"


def _differences(
    name: str, acknowledged: Counter[object], written: Counter[object]
) -> Iterator[str]:
    for lost in acknowledged - written:
        yield f"{name} {lost} was acknowledged {acknowledged[lost]} ×, written {written[lost]} ×"
    for extra in written - acknowledged:
        yield f"{name} {extra} was written {written[extra]} ×, acknowledged {acknowledged[extra]} ×"


def _one_order(log: Log, books: Books, ground: Ground) -> Iterator[str]:
    states = {row.id: row.state for row in books.redemptions}
    for hand, history in log.histories.items():
        codes = ground.hands.get(hand, ())

        def is_as_written(end: Standing) -> bool:
            """Whether it is how the rows are."""
            uses = {number: use.state for number, use in end.uses.items()}
            return uses == {number: states.get(number) for number in uses} and all(
                books.vouchers.get(code) is state for code, state in end.vouchers.items()
            )

        start = Standing(dict.fromkeys(codes, VoucherState.ISSUED))
        found = an_order(history, start, step=Standing.after, is_end=is_as_written)
        if found.stuck:
            after = found.order[-1] if found.order else "nothing"
            yield f"{hand}: after {after} none can come of {'; '.join(map(str, found.stuck))}"
        elif not found.is_whole:
            yield f"{hand}: no order of its {len(history)} acts ends as the rows are"


def _claims_within_units(log: Log, books: Books, ground: Ground) -> Iterator[str]:
    """Never more than there were, and never "sold out" while one was left for certain; a voucher
    that is withdrawn gives its unit back."""
    won = log.yeses(Kind.CLAIM)
    claimed = {entry.answer["voucher"] for entry in won}
    used = {e.answer["id"] for e in log.yeses(*USING) if e.answer["voucher"] in claimed}
    back = [entry for entry in log.yeses(Kind.REFUND) if _withdraws(entry, used)]
    for entry in won:
        taken = sum(other.ended_s < entry.began_s for other in won)
        returned = sum(other.began_s < entry.ended_s for other in back)
        if taken - returned >= ground.units:
            yield f"{entry} was claimed when all {ground.units} units had gone"
    for entry in log.entries:
        if entry.code != "sold_out":
            continue
        taken = sum(other.began_s < entry.ended_s for other in won)
        returned = sum(other.ended_s + REMEMBERED_S < entry.began_s for other in back)
        if taken - returned < ground.units:
            yield f"{entry} was said when at most {taken} of {ground.units} units had gone"


def _balances_add_up(log: Log, books: Books, ground: Ground) -> Iterator[str]:
    for source, expected in expected_balances(log, ground).items():
        for kind, fen in expected.items():
            if books.balances[source][kind] != fen:
                yield (
                    f"{source}: {kind} holds {books.balances[source][kind]} fen,"
                    f" acknowledged acts make it {fen}"
                )


def _audit_is_clean(log: Log, books: Books, ground: Ground) -> Iterator[str]:
    if books.verdict:
        yield books.verdict


INVARIANTS: Mapping[str, Callable[[Log, Books, Ground], Iterator[str]]] = {
    "only answers that a server may give": _only_good_answers,
    "one key, one answer, byte for byte": _one_answer_a_key,
    "every yes has one effect, every effect one yes": _one_effect_a_yes,
    "every hand's acts have one order in real time": _one_order,
    "claims within their units, sold out only when it was so": _claims_within_units,
    "balances are the sums of acknowledged effects": _balances_add_up,
    "the audit proves the books": _audit_is_clean,
}


def expected_balances(log: Log, ground: Ground) -> dict[str, dict[AccountKind, int]]:
    """Fen by source and account, added up from the answers alone."""
    states = _final_states(log)
    issued = sum(map(len, ground.hands.values())) + len(log.yeses(Kind.CLAIM))
    found = {}
    for source, appropriated_fen in ground.appropriated.items():
        kinds = dict.fromkeys(AccountKind, 0)
        kinds[AccountKind.OUTSTANDING] = issued * ground.face[source]
        for entry in log.yeses(*USING):
            account = _ACCOUNTS.get(states[entry.answer["id"]], AccountKind.OUTSTANDING)
            kinds[AccountKind.OUTSTANDING] -= _part(entry, source)
            kinds[account] += _part(entry, source)
        for entry in log.yeses(Kind.REFUND):
            is_back = entry.answer["voucher_usable"]
            account = AccountKind.OUTSTANDING if is_back else AccountKind.FREE
            kinds[AccountKind.PAYABLE] -= _part(entry, source)
            kinds[account] += _part(entry, source)
        kinds[AccountKind.APPROPRIATED] = -appropriated_fen
        kinds[AccountKind.FREE] = appropriated_fen - sum(
            fen
            for kind, fen in kinds.items()
            if kind not in (AccountKind.APPROPRIATED, AccountKind.FREE)
        )
        found[source] = kinds
    return found


_ACCOUNTS = {
    RedemptionState.AUTHORISED: AccountKind.AUTHORISED,
    RedemptionState.CAPTURED: AccountKind.PAYABLE,
    RedemptionState.REFUNDED: AccountKind.PAYABLE,
}
"""Where the discount went before any refund took of it."""

_LIFECYCLE = {*USING, Kind.CAPTURE, Kind.VOID, Kind.REVERSE, Kind.REFUND}


def _final_states(log: Log) -> dict[int, RedemptionState]:
    """The last state of each redemption, from the answers. No arrow leads to a lower number."""
    found: dict[int, RedemptionState] = {}
    for entry in log.entries:
        if entry.is_yes and entry.answer.get("id") is not None and entry.kind in _LIFECYCLE:
            state = RedemptionState[entry.answer["state"].upper()]
            found[entry.answer["id"]] = max(state, found.get(entry.answer["id"], state))
    return found


def _part(entry: Entry, source: str) -> int:
    split = {share["source"]: share["fen"] for share in entry.answer["by_source"]}
    return int(split.get(source, 0))


def _is_by_code(entry: Entry) -> bool:
    return "resident" not in entry.sent


def _use(entry: Entry) -> tuple[object, ...]:
    answer = entry.answer
    return answer["id"], answer["voucher"], answer["store"], answer["order_no"]


def _use_of(row: RedemptionRow) -> tuple[object, ...]:
    return row.id, row.voucher, row.store, row.order_no


def _refund(entry: Entry) -> RefundRow:
    answer = entry.answer
    number, id_ = answer["refund_no"], answer["id"]
    return RefundRow(number, id_, answer["amount_fen"], answer["clawback_fen"])


def _claim(entry: Entry) -> tuple[object, ...]:
    return entry.answer["voucher"], entry.hand


def _withdraws(refund: Entry, redemptions: set[int]) -> bool:
    """Whether it took the voucher of one of these redemptions out of the world."""
    answer = refund.answer
    is_lost = answer["state"] == "refunded" and not answer["voucher_usable"]
    return is_lost and answer["id"] in redemptions
