"""The merchant day: twenty tills at once over HTTP, good orders mixed with attacks."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import Final

from vouchers.demo.attacks import (
    ACCEPTED,
    KINDS,
    MIX,
    RETURNING_PEOPLE,
    RING,
    RING_PEOPLE,
    cash_out,
    store_burst,
)
from vouchers.demo.campaign import PER_DAY, PHONE_PEOPLE
from vouchers.demo.group import TILLS, Group, TillKey
from vouchers.demo.orders import GoodOrder
from vouchers.demo.scene import Card, Scene, Tally
from vouchers.demo.telling import patiently
from vouchers.demo.till import Till, open_client
from vouchers.demo.wallets import cards_of, draw_expired, draw_people, stranger
from vouchers.models import Campaign
from vouchers.queries.demo import Holder, held_among

ORDERS: Final = 3_000
RESIDENTS_PER_ORDER: Final = 8
UNIT: Final = 100
"""Good orders for each round of attacks."""

WATCH_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Day:
    """What the tills saw. `redeemed` are the acknowledged redemptions, voided ones included.

    Requests and times are those of the twenty tills, without the burst and the ring at two others.
    """

    took_s: float
    good_orders: int
    good_accepted: int
    redeemed: frozenset[int]
    voided: frozenset[int]
    requests: int
    retries: int
    latencies_s: Sequence[float]
    attacks: dict[str, Tally]
    surprises: Sequence[str]

    @property
    def is_safe(self) -> bool:
        """Whether every kind of attack was stopped as it must be, and good orders accepted."""
        is_complete = self.attacks.keys() == KINDS.keys()
        through = any(tally.surprises for tally in self.attacks.values())
        return is_complete and not through and not self.surprises


def planned_orders(*, residents: int, group: Group) -> int:
    """Good orders of the day: 3,000, or fewer in a small city or where there are few stores."""
    stores = len({till.store_no for till in group.tills})
    return min(ORDERS, residents // RESIDENTS_PER_ORDER, stores * ORDERS // TILLS)


def play(
    *,
    campaign: Campaign,
    trial: Campaign,
    group: Group,
    port: int,
    orders: int,
    per_minute: int,
    check: Callable[[], None],
    on_progress: Callable[[float], None] = lambda done: None,
) -> Day:
    """The whole day, until every order has its answer; `check` raises when nothing works.

    Raises TooFewHoldersError, and NoAnswerError when the web server stays away for minutes.
    """
    rounds = max(2, orders // UNIT)
    others = rounds * 2 * sum(MIX.values()) + 3 * per_minute + rounds + RING_PEOPLE
    shoppers, strangers = draw_people(campaign, orders, others)
    expired = [card for holder in draw_expired(trial) for card in cards_of(holder)]
    scene = _scene(campaign.code, group, port, strangers, expired, per_minute)
    rng = scene.rng
    good = [
        GoodOrder(scene, rng.choice(cards_of(holder)), number)
        for number, holder in enumerate(shoppers)
    ]
    plays: list[Callable[[Till], None]] = [one.play for one in good]
    plays += [
        partial(attack, scene) for attack, times in MIX.items() for _ in range(times * rounds)
    ]
    rng.shuffle(plays)
    with scene.client:
        took_s = _run(scene, group, plays, rounds, check, on_progress)
        _note_ring(scene, cash_out(scene, scene.till(group.ring_till), RING_PEOPLE))
    return _seen(scene, group, good, took_s)


def ring_returns(*, campaign: Campaign, group: Group, port: int, per_minute: int) -> None:
    """After the day the ring comes back with another phone and more people: so many alerts within
    minutes that the live screen turns to its emergency."""
    people, _others = draw_people(campaign, RETURNING_PEOPLE * 2, 0, seed=campaign.pk + 1)
    scene = _scene(f"{campaign.code}-evening", group, port, people, [], per_minute)
    with scene.client:
        cash_out(scene, scene.till(group.ring_till), min(RETURNING_PEOPLE, len(people) // 2))


def _scene(
    run: str,
    group: Group,
    port: int,
    strangers: Sequence[Holder],
    expired: Sequence[Card],
    per_minute: int,
) -> Scene:
    return Scene(
        run=run,
        client=open_client(port),
        rng=random.Random(run),  # noqa: S311  # a story, not a secret
        wallets=iter([cards_of(holder) for holder in strangers]),
        expired=expired,
        keys=group.tills,
        rival=group.rival_till,
        stolen=group.stolen_till,
        stranger=stranger(group.tills[0]),
        per_minute=per_minute,
        per_day=PER_DAY,
    )


def _note_ring(scene: Scene, redemption_ids: Sequence[int]) -> None:
    """Whether the money of everyone beyond the rule's figure is held."""
    held = patiently(lambda: held_among(redemption_ids))
    for redemption_id in redemption_ids[PHONE_PEOPLE:]:
        scene.note(RING, "held", "held" if redemption_id in held else "paid")


def _run(
    scene: Scene,
    group: Group,
    plays: Sequence[Callable[[Till], None]],
    rounds: int,
    check: Callable[[], None],
    on_progress: Callable[[float], None],
) -> float:
    """Give each till its part of the plays, and the busy till its burst, all at once.

    Returns how long the tills took; the burst may have to wait for a minute of its own.
    """
    started_s = time.monotonic()
    done = Counter[int]()

    def work(number: int, key: TillKey) -> float:
        till = scene.till(key)
        for play_one in plays[number :: len(group.tills)]:
            play_one(till)
            done[number] += 1
        return time.monotonic() - started_s

    def burst() -> float:
        store_burst(scene, scene.till(group.busy_till), extra=rounds)
        return time.monotonic() - started_s

    with ThreadPoolExecutor(len(group.tills) + 1, thread_name_prefix="till") as pool:
        working = {pool.submit(work, *one) for one in enumerate(group.tills)}
        waiting: set[Future[float]] = {*working, pool.submit(burst)}
        while waiting:
            finished, waiting = wait(waiting, WATCH_S, FIRST_EXCEPTION)
            for future in finished:
                future.result()
            check()
            on_progress(done.total() / len(plays))
    return max(future.result() for future in working)


def _seen(scene: Scene, group: Group, good: Sequence[GoodOrder], took_s: float) -> Day:
    every = [answer for till in scene.tills for answer in till.answers]
    redeemed = {answer.body["id"] for answer in every if answer.status == 201}
    apart = (group.busy_till, group.ring_till)
    tills = [till for till in scene.tills if till.key not in apart]
    answers = [answer for till in tills for answer in till.answers]
    surprises = [f"good order: {one.outcome}" for one in good if one.outcome != ACCEPTED]
    return Day(
        took_s=took_s,
        good_orders=len(good),
        good_accepted=len(good) - len(surprises),
        redeemed=frozenset(redeemed),
        voided=frozenset(one.voided for one in good if one.voided is not None),
        requests=len(answers),
        retries=sum(till.retries for till in scene.tills),
        latencies_s=sorted(answer.took_s for answer in answers if answer.tries == 1),
        attacks=scene.tallies,
        surprises=surprises,
    )
