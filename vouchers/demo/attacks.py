"""What goes wrong at tills, by mistake or on purpose, and what must be answered to it.

Each attack runs at one till and reports whether it was refused as expected. Vouchers come from
people who have no other part in the day, so that an attack's expectation depends on nothing else.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from vouchers.demo.scene import Scene
from vouchers.demo.till import Answer, Till

ACCEPTED: Final = "accepted"
STOPPED: Final = "too_many_wrong_codes"
ROOM_S: Final = 15.0
MINUTE_S: Final = 60
CODE_DIGITS: Final = 20
RING: Final = "cash_out_ring"
RING_PEOPLE: Final = 11
"""Vouchers of so many people are shown from one phone; back in the evening the ring has more."""
RETURNING_PEOPLE: Final = 30

KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "two_tills": ("one voucher at two tills", "一券两台"),
    "replay_same": ("replay, same body", "同键重放"),
    "replay_changed": ("replay, changed body", "同键改单"),
    "below_threshold": ("order below threshold", "未达门槛"),
    "wrong_store": ("store takes no part", "非参与门店"),
    "expired": ("expired voucher", "过期券"),
    "someone_elses": ("someone else's voucher", "他人之券"),
    "guessed_code": ("guessed code", "猜码"),
    "foreign_terminal": ("rival's terminal", "他商户终端"),
    "foreign_void": ("rival voids ours", "他商户撤销"),
    "other_branch": ("another branch's store", "冒用他店"),
    "unknown_key": ("unknown key", "未知密钥"),
    "order_twice": ("two vouchers, one order", "一单两券"),
    "resident_burst": ("too many a day", "超每日次数"),
    "store_burst": ("burst in one store", "门店突发"),
    RING: ("cash-out ring, one phone", "一机套现"),
}
"""In English and Chinese."""

Attack = Callable[[Scene, Till], None]


def two_tills(scene: Scene, till: Till) -> None:
    """The same voucher at two tills in the same moment: one yes, one no."""
    card = scene.card()
    answers: list[Answer] = []
    start = threading.Barrier(2)

    def show(at: Till) -> None:
        order = scene.order(card)
        start.wait()
        answers.append(at.redeem(order, order["order_no"]))

    other = scene.till(scene.another(till.key))
    helper = threading.Thread(target=show, args=(other,))
    helper.start()
    show(till)
    helper.join()
    codes = ", ".join(sorted(answer.code for answer in answers))
    scene.note("two_tills", "accepted, voucher_redeemed", codes)


def replayed_order(scene: Scene, till: Till) -> None:
    """The same request again: the same bytes, and nothing done twice. Then a changed body: 422."""
    order = scene.order(scene.card())
    first = till.redeem(order, order["order_no"])
    again = till.redeem(order, order["order_no"])
    is_same = first.status == 201 and again.raw == first.raw and again.is_replay
    scene.note("replay_same", "the same bytes", "the same bytes" if is_same else again.code)
    changed = {**order, "order_amount_fen": order["order_amount_fen"] + 100}
    scene.note(
        "replay_changed", "idempotency_key_reused", till.redeem(changed, order["order_no"]).code
    )


def below_threshold(scene: Scene, till: Till) -> None:
    """An order that is one fen short."""
    card = scene.card()
    order = scene.order(card, order_amount_fen=card.threshold_fen - 1)
    scene.note("below_threshold", "below_threshold", _code(till, order))


def wrong_store(scene: Scene, till: Till) -> None:
    """A voucher shown at the rival's own till, in a store that takes no part."""
    code = _code(scene.till(scene.rival), scene.order(scene.card()))
    scene.note("wrong_store", "store_not_participating", code)


def expired(scene: Scene, till: Till) -> None:
    """A voucher that has expired."""
    order = scene.order(scene.rng.choice(scene.expired))
    scene.note("expired", "voucher_expired", _code(till, order))


def someone_elses(scene: Scene, till: Till) -> None:
    """A genuine voucher shown by a person who neither holds it nor is a declared proxy, at a till
    that is stopped when this happens too often."""
    order = scene.order(scene.card(), resident=scene.card().resident_no)
    code = _code(scene.till(scene.stolen), order)
    scene.note("someone_elses", "voucher_not_usable", code, or_else=STOPPED)


def guessed(scene: Scene, till: Till) -> None:
    """A code made up to look like one, and a genuine one with its last digit changed, at a till
    that is stopped after some."""
    card = scene.card()
    made_up = "8" + "".join(scene.rng.choices("0123456789", k=CODE_DIGITS - 1))
    altered = card.code[:-1] + str((int(card.code[-1]) + 1) % 10)
    for code in (made_up, altered):
        order = scene.order(card, voucher=code)
        answered = _code(scene.till(scene.stolen), order)
        scene.note("guessed_code", "voucher_not_usable", answered, or_else=STOPPED)


def foreign_terminal(scene: Scene, till: Till) -> None:
    """The rival's terminal names the group's store, and tries to void the group's redemption."""
    order = scene.order(scene.card(), store=till.key.store_no)
    own = scene.order(scene.card())
    made = till.redeem(own, own["order_no"]).body.get("id", 0)
    rival = scene.till(scene.rival)
    scene.note("foreign_terminal", "store_not_found", _code(rival, order))
    scene.note("foreign_void", "not_found", rival.void(made, scene.number()).code)


def other_branch(scene: Scene, till: Till) -> None:
    """A terminal that names another store of its own group."""
    order = scene.order(scene.card(), store=scene.another(till.key).store_no)
    scene.note("other_branch", "store_not_found", _code(till, order))


def unknown_key(scene: Scene, till: Till) -> None:
    """A caller without a valid key."""
    code = _code(scene.till(scene.stranger), scene.order(scene.card()))
    scene.note("unknown_key", "unauthenticated", code)


def order_twice(scene: Scene, till: Till) -> None:
    """Two vouchers on one order."""
    order = scene.order(scene.card())
    till.redeem(order, order["order_no"])
    second = scene.order(scene.card(), order_no=order["order_no"])
    scene.note("order_twice", "order_already_used", till.redeem(second, scene.number()).code)


def too_many_a_day(scene: Scene, till: Till) -> None:
    """A resident who uses more vouchers in a day than the limit allows, each in another store."""
    cards, at = scene.wallet(), till
    while len(cards) <= scene.per_day:
        cards = scene.wallet()
    for number, card in enumerate(cards, 1):
        code = _code(at, scene.order(card))
        at = scene.till(scene.another(at.key))
        if number > scene.per_day:
            scene.note("resident_burst", "resident_limit", code)


MIX: Final[Mapping[Attack, int]] = {
    two_tills: 1,
    replayed_order: 2,
    below_threshold: 2,
    wrong_store: 1,
    expired: 1,
    someone_elses: 1,
    guessed: 2,
    foreign_terminal: 1,
    other_branch: 1,
    unknown_key: 1,
    order_twice: 1,
    too_many_a_day: 1,
}
"""How often each is played for every hundred good orders."""


def store_burst(scene: Scene, till: Till, extra: int) -> None:
    """More redemptions in one store and minute than its limit, as fast as they go.

    The clock is real: however the minutes fall, none may hold more than the limit, and the last
    `extra` requests are refused by it.
    """
    if MINUTE_S - time.time() % MINUTE_S < ROOM_S:
        time.sleep(MINUTE_S - time.time() % MINUTE_S)
    by_minute: Counter[int] = Counter()
    refused = 0
    card = scene.card()
    while refused < extra:
        order = scene.order(card)
        answer = till.redeem(order, order["order_no"])
        if answer.code == ACCEPTED:
            minute = _minute(answer)
            by_minute[minute] += 1
            if by_minute[minute] > scene.per_minute:
                scene.note("store_burst", "store_limit", ACCEPTED)
            card = scene.card()
        else:
            refused += 1
            scene.note("store_burst", "store_limit", answer.code)


def cash_out(scene: Scene, till: Till, people: int) -> list[int]:
    """A ring that turns vouchers into cash: the accounts of `people` on one phone, orders without
    goods, a cashier who has joined. Returns the redemptions, all accepted at the till: what is
    beyond the rule's figure is held behind its back."""
    device, made = scene.number(), list[int]()
    while len(made) < people:
        order = scene.order(scene.card(), device=device)
        answer = till.redeem(order, order["order_no"])
        if answer.code == ACCEPTED:
            made.append(answer.body["id"])
        elif answer.code == "store_limit":
            time.sleep(MINUTE_S - time.time() % MINUTE_S)
    return made


def _minute(answer: Answer) -> int:
    redeemed_at = datetime.fromisoformat(answer.body["redeemed_at"])
    return int(redeemed_at.timestamp()) // MINUTE_S


def _code(till: Till, order: Mapping[str, Any]) -> str:
    return till.redeem(dict(order), order["order_no"]).code
