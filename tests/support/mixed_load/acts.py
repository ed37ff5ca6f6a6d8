"""What a client does next: drawn by its dice from what is known of a hand of vouchers."""

import random
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from tests.support.mixed_load.log import USING, Entry, Kind

Thing = TypeVar("Thing")

REDEMPTIONS = "/api/v1/redemptions"
WEIGHTS: Mapping[Kind, int] = {
    Kind.REDEEM: 20,
    Kind.AUTHORISE: 12,
    Kind.CAPTURE: 12,
    Kind.VOID: 10,
    Kind.REFUND: 14,
    Kind.REVERSE: 5,
    Kind.QUOTE: 10,
    Kind.PRESENT: 10,
    Kind.CLAIM: 7,
}
AMOUNTS_FEN = (25_000, 25_000, 25_000, 12_345, 9_000)
"""The last is below the threshold."""
DEVICES = 8
LATEST = 3
SENSIBLE = 0.8
"""How often a client does what should succeed, as far as is known. Others know as much, and do it
at the same time."""

HANDS_AT_ONCE = 20
ACTS_A_HAND = 40


class Used(NamedTuple):
    """A redemption that was acknowledged to some client."""

    id: int
    voucher: str
    store: str
    order_no: str
    paid_fen: int
    is_authorised: bool


@dataclass
class Hand:
    """A resident's vouchers (printed codes), and what all clients together believe of them: which
    can be used, and which redemptions stand."""

    resident: str
    vouchers: list[str]
    free: list[str] = field(default_factory=list)
    live: list[Used] = field(default_factory=list)
    gone: list[Used] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    acts: int = 0

    def __post_init__(self) -> None:
        """All can be used."""
        self.free = list(self.vouchers)

    @property
    def is_over(self) -> bool:
        """Whether nothing can become of it any more, or enough has."""
        return self.acts >= ACTS_A_HAND or not (self.free or self.live)

    def learn(self, entry: Entry) -> None:
        """Take note of what was acknowledged."""
        answer = entry.answer
        if not entry.is_yes:
            return
        if entry.kind is Kind.PRESENT:
            self.shown.append(answer["code"])
        elif entry.kind in USING:
            figures = (answer["voucher"], answer["store"], answer["order_no"])
            is_authorised = entry.kind is Kind.AUTHORISE
            used = Used(answer["id"], *figures, answer["payable_fen"], is_authorised)
            self.live.append(used)
            self.free = [code for code in self.free if code != used.voucher]
        elif entry.kind is not Kind.QUOTE:
            self._learn_of_use(answer)

    def _learn_of_use(self, answer: Mapping[str, Any]) -> None:
        """What became of a redemption: captured, or gone."""
        for used in [each for each in self.live if each.id == answer["id"]]:
            self.live.remove(used)
            if answer["state"] == "captured":
                paid_fen = answer.get("payable_fen", used.paid_fen)
                self.live.append(used._replace(is_authorised=False, paid_fen=paid_fen))
                continue
            self.gone.append(used)
            if answer["voucher_usable"]:
                self.free.append(used.voucher)


@dataclass(frozen=True)
class Keys:
    """Keys of the callers: a till in each store, an app; and the tier that is claimed."""

    tills: Mapping[str, str]
    app: str
    tier: str


class Table:
    """The hands that clients play from: few at a time, each for some acts, then the next."""

    def __init__(self, hands: Sequence[Hand], claimants: Sequence[str], keys: Keys) -> None:
        self._lock = threading.Lock()
        self._waiting = deque(hands)
        self._open = [self._waiting.popleft() for _ in range(HANDS_AT_ONCE)]
        self._claimants = claimants
        self._asked = 0
        self._keys = keys

    def draw(self, dice: random.Random, key: str) -> "Act":
        """An act on one of the hands, or a claim, under a key."""
        with self._lock:
            (kind,) = dice.choices(list(WEIGHTS), list(WEIGHTS.values()))
            if kind is Kind.CLAIM:
                return claim(self._claimant(dice), self._keys, key)
            number = dice.randrange(len(self._open))
            if self._open[number].is_over and self._waiting:
                self._open[number] = self._waiting.popleft()
            return draw(dice, self._open[number], kind, self._keys, key)

    def learn(self, act: "Act", entry: Entry) -> None:
        """What was answered; a claimed voucher is the next hand to play from."""
        with self._lock:
            if act.hand is not None:
                act.hand.learn(entry)
            elif entry.is_yes:
                self._waiting.appendleft(Hand(entry.hand, [entry.answer["voucher"]]))

    def _claimant(self, dice: random.Random) -> str:
        """Who claims next: one who has not yet, or now and then one who has asked before."""
        if self._asked == len(self._claimants) or (self._asked and dice.random() < 0.2):
            return self._claimants[dice.randrange(self._asked)]
        self._asked += 1
        return self._claimants[self._asked - 1]


class Act(NamedTuple):
    """An act as it goes over the wire: `sent` with what the path says besides the body."""

    kind: Kind
    resident: str
    key: str
    bearer: str
    path: str
    sent: Mapping[str, Any]
    body: Mapping[str, Any]
    # None for a claim, which is about no hand that is open.
    hand: Hand | None = None


def draw(dice: random.Random, hand: Hand, kind: Kind, keys: Keys, key: str) -> Act:
    """An act on a hand; mostly one that something can come of."""
    hand.acts += 1
    if dice.random() < SENSIBLE:
        if kind in USING and not hand.free:
            kind = dice.choice((Kind.VOID, Kind.REFUND, Kind.REVERSE))
        elif kind is Kind.CAPTURE and not any(used.is_authorised for used in hand.live):
            kind = Kind.AUTHORISE
        elif kind in _PATHS and not hand.live:
            kind = Kind.REDEEM
    if kind in _PATHS and not (hand.live or hand.gone):
        kind = Kind.REDEEM
    return _ACTS[kind](dice, hand, keys, key, kind)._replace(hand=hand)


def claim(resident: str, keys: Keys, key: str) -> Act:
    """A resident asks for a voucher."""
    body = {"resident": resident, "tier": keys.tier}
    return Act(Kind.CLAIM, resident, key, keys.app, "/api/v1/claims", body, body)


def _order(dice: random.Random, hand: Hand, keys: Keys, key: str, kind: Kind) -> Act:
    """A voucher on an order, mostly a new one."""
    store, order_no = dice.choice(list(keys.tills)), key
    if (hand.live or hand.gone) and dice.random() < 0.1:
        _, _, store, order_no, *_ = _used(dice, hand)
    body: dict[str, Any] = {
        "voucher": _sensibly(dice, hand.free, hand.vouchers),
        "store": store,
        "order_no": order_no,
        "order_amount_fen": dice.choice(AMOUNTS_FEN),
        "resident": hand.resident,
        "device": f"D{dice.randrange(DEVICES)}",
    }
    if kind in USING and hand.shown and dice.random() < 0.4:
        body["voucher"] = dice.choice(hand.shown[-LATEST:])
        del body["resident"]
    if kind is Kind.AUTHORISE:
        body["capture"] = False
    path = f"{REDEMPTIONS}/quote" if kind is Kind.QUOTE else REDEMPTIONS
    return Act(kind, hand.resident, key, keys.tills[store], path, body, body)


def _on_used(dice: random.Random, hand: Hand, keys: Keys, key: str, kind: Kind) -> Act:
    """Something is done to a redemption."""
    used = _used(dice, hand)
    body: dict[str, Any] = {}
    if kind is Kind.CAPTURE:
        used = _sensibly(dice, [each for each in hand.live if each.is_authorised], [used])
        body = {"order_amount_fen": dice.choice(AMOUNTS_FEN)}
    elif kind is Kind.REFUND:
        amount_fen = dice.choice([used.paid_fen, used.paid_fen, used.paid_fen // 3])
        body = {"store": used.store, "amount_fen": amount_fen, "refund_no": key}
    path = f"{REDEMPTIONS}/{used.id}/{_PATHS[kind]}"
    sent = {**body, "redemption": used.id}
    return Act(kind, hand.resident, key, keys.tills[used.store], path, sent, body)


def _reverse(dice: random.Random, hand: Hand, keys: Keys, key: str, kind: Kind) -> Act:
    """An order shall not have been, or shall never come."""
    store, order_no = dice.choice(list(keys.tills)), key
    if (hand.live or hand.gone) and dice.random() < SENSIBLE:
        _, _, store, order_no, *_ = _used(dice, hand)
    body = {"store": store, "order_no": order_no}
    path = f"{REDEMPTIONS}/reverse"
    return Act(kind, hand.resident, key, keys.tills[store], path, body, body)


def _present(dice: random.Random, hand: Hand, keys: Keys, key: str, kind: Kind) -> Act:
    """A voucher is shown in an app."""
    voucher = _sensibly(dice, hand.free, hand.vouchers)
    body = {"resident": hand.resident}
    path = f"/api/v1/vouchers/{voucher}/present"
    return Act(kind, hand.resident, key, keys.app, path, {**body, "voucher": voucher}, body)


def _used(dice: random.Random, hand: Hand) -> Used:
    """A redemption that stands as far as is known, or one of the latest that does not."""
    return _sensibly(dice, hand.live, hand.gone[-LATEST:] or hand.live)


def _sensibly(dice: random.Random, good: Sequence[Thing], all_: Sequence[Thing]) -> Thing:
    """Mostly one of the good ones, if there are any."""
    return dice.choice(good if good and dice.random() < SENSIBLE else all_)


_PATHS = {Kind.CAPTURE: "capture", Kind.VOID: "void", Kind.REFUND: "refunds"}
_ACTS: Mapping[Kind, Callable[[random.Random, Hand, Keys, str, Kind], Act]] = {
    Kind.QUOTE: _order,
    Kind.REDEEM: _order,
    Kind.AUTHORISE: _order,
    **dict.fromkeys(_PATHS, _on_used),
    Kind.REVERSE: _reverse,
    Kind.PRESENT: _present,
}
