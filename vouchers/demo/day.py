"""The merchant day: twenty tills at once over HTTP, good orders mixed with attacks."""

import random
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from django.conf import settings

from vouchers.demo import attacks
from vouchers.demo.attacks import ACCEPTED, Card, Scene, Tally
from vouchers.demo.campaign import PER_DAY
from vouchers.demo.group import Group, TillKey
from vouchers.demo.telling import patiently
from vouchers.demo.till import Answer, Till
from vouchers.models import Campaign
from vouchers.queries.people import Holder, sample_holders
from vouchers.rules.codes import encode

ORDERS: Final = 3_000
RESIDENTS_PER_ORDER: Final = 8
UNIT: Final = 100
"""Good orders for each round of attacks."""

CORRECTED_SHARE: Final = 0.01
DELIVERED_SHARE: Final = 0.15
MEDIAN_BASKET: Final = 1.25
BASKET_SPREAD: Final = 0.35
"""Baskets are lognormal, in multiples of the voucher's threshold."""

LIMIT_RETRIES: Final = 5
WATCH_S: Final = 0.2
UNKNOWN_KEY_CHARACTERS: Final = 43


class TooFewHoldersError(RuntimeError):
    """So few people hold vouchers that there is no day to show."""


@dataclass(frozen=True, slots=True)
class Day:
    """What the tills saw. `redeemed` are the acknowledged redemptions, voided ones included."""

    took_s: float
    good_orders: int
    good_accepted: int
    redeemed: frozenset[int]
    voided: frozenset[int]
    requests: int
    retries: int
    refusals: Counter[str]
    latencies_s: Sequence[float]
    attacks: dict[str, Tally]
    surprises: Sequence[str]

    @property
    def is_safe(self) -> bool:
        """Whether every attack was refused as it had to be, and every good order accepted."""
        return not self.surprises and all(not tally.surprises for tally in self.attacks.values())


def planned_orders(residents: int) -> int:
    """Good orders of the day: 3,000, or fewer in a small city."""
    return min(ORDERS, residents // RESIDENTS_PER_ORDER)


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
    others = rounds * 2 * sum(attacks.MIX.values()) + 3 * per_minute + rounds
    shoppers, strangers = _people(campaign, orders, others)
    rng = random.Random(campaign.pk)  # noqa: S311  # a story, not a secret
    scene = Scene(
        run=campaign.code,
        port=port,
        rng=rng,
        wallets=iter([_cards(holder) for holder in strangers]),
        expired=[card for holder in _trial_holders(trial) for card in _cards(holder)],
        keys=group.tills,
        rival=group.rival_till,
        stranger=_stranger(group.tills[0]),
        per_minute=per_minute,
        per_day=PER_DAY,
    )
    good = [
        _Good(scene, rng.choice(_cards(holder)), number) for number, holder in enumerate(shoppers)
    ]
    plays: list[Callable[[Till], None]] = [one.play for one in good]
    plays += [
        partial(_attack, scene, attack)
        for attack, times in attacks.MIX.items()
        for _ in range(times * rounds)
    ]
    rng.shuffle(plays)
    started_s = time.monotonic()
    _run(scene, group, plays, rounds, check, on_progress)
    return _seen(scene, good, time.monotonic() - started_s)


def _attack(scene: Scene, attack: attacks.Attack, till: Till) -> None:
    attack(scene, till)


def _run(
    scene: Scene,
    group: Group,
    plays: Sequence[Callable[[Till], None]],
    rounds: int,
    check: Callable[[], None],
    on_progress: Callable[[float], None],
) -> None:
    """Give each till its part of the plays, and the busy till its burst, all at once."""
    done = Counter[int]()

    def work(number: int, key: TillKey) -> None:
        with scene.till(key) as till:
            for play_one in plays[number :: len(group.tills)]:
                play_one(till)
                done[number] += 1

    def burst() -> None:
        with scene.till(group.busy_till) as till:
            attacks.store_burst(scene, till, extra=rounds)

    with ThreadPoolExecutor(len(group.tills) + 1, thread_name_prefix="till") as pool:
        working = {pool.submit(work, *one) for one in enumerate(group.tills)}
        waiting: set[Future[None]] = working | {pool.submit(burst)}
        while waiting:
            finished, waiting = wait(waiting, WATCH_S, FIRST_EXCEPTION)
            for future in finished:
                future.result()
            check()
            on_progress(done.total() / len(plays))


class _Good:
    """An honest order: it is accepted, and sometimes the cashier corrects a mistake."""

    def __init__(self, scene: Scene, card: Card, number: int) -> None:
        rng = scene.rng
        basket = max(1.0, MEDIAN_BASKET * rng.lognormvariate(0, BASKET_SPREAD))
        self._order = {
            "voucher": card.code,
            "resident": card.resident_no,
            "order_no": f"{scene.run}-{number:06d}",
            "order_amount_fen": int(card.threshold_fen * basket),
            "order_kind": "delivered" if rng.random() < DELIVERED_SHARE else "in_store",
            "receipt_no": f"R{number:08d}",
        }
        self._is_corrected = rng.random() < CORRECTED_SHARE
        self.outcome = ""
        self.voided: int | None = None

    def play(self, till: Till) -> None:
        """Redeem; void and redeem again on a new order where the cashier made a mistake."""
        number = str(self._order["order_no"])
        self._redeem(till, number)
        if self._is_corrected and self.outcome == ACCEPTED:
            redemption_id = till.answers[-1].body["id"]
            undone = till.void(redemption_id, f"{number}-void")
            if undone.code != ACCEPTED:
                self.outcome = f"void: {undone.code}"
                return
            self.voided = redemption_id
            self._redeem(till, f"{number}-2")

    def _redeem(self, till: Till, number: str) -> None:
        """A full store is tried again when its minute is over, under a new key."""
        order = {**self._order, "order_no": number}
        for attempt in range(LIMIT_RETRIES):
            answer = till.redeem(order, f"{number}-{attempt}")
            self.outcome = answer.code
            if self.outcome != "store_limit":
                return
            time.sleep(_seconds_until(answer.body["facts"]["next_at"]))


def _seconds_until(instant: str) -> float:
    return max(0.0, datetime.fromisoformat(instant).timestamp() - time.time())


def _people(campaign: Campaign, orders: int, others: int) -> tuple[list[Holder], list[Holder]]:
    """Who shops, and who is drawn into attacks. In a small city there are fewer of both."""
    seed, most = campaign.pk, orders + others
    found = patiently(lambda: sample_holders(campaign_id=campaign.pk, most=most, seed=seed))
    shoppers = min(orders, len(found) - others)
    if shoppers <= 0:
        raise TooFewHoldersError(
            f"Only {len(found)} people hold vouchers, which is too few for a merchant day:"
            " more residents, or stores nearer to them, are needed."
        )
    return found[:shoppers], found[shoppers:]


def _trial_holders(trial: Campaign) -> list[Holder]:
    return patiently(lambda: sample_holders(campaign_id=trial.pk, most=UNIT, seed=trial.pk))


def _cards(holder: Holder) -> list[Card]:
    return [
        Card(
            code=encode(voucher.id, settings.HUIMIN_CODE_KEY),
            resident_no=holder.resident_no,
            face_fen=voucher.face_fen,
            threshold_fen=voucher.threshold_fen,
        )
        for voucher in holder.vouchers
    ]


def _stranger(key: TillKey) -> TillKey:
    """A terminal's place, and a key that nobody has issued."""
    text = "vk_live_" + secrets.token_urlsafe(UNKNOWN_KEY_CHARACTERS)[:UNKNOWN_KEY_CHARACTERS]
    return TillKey(key.store_no, key.terminal, text)


def _seen(scene: Scene, good: Sequence[_Good], took_s: float) -> Day:
    answers = list(_answers(scene.tills))
    redeemed = {answer.body["id"] for answer in answers if answer.status == 201}
    surprises = [f"good order: {one.outcome}" for one in good if one.outcome != ACCEPTED]
    return Day(
        took_s=took_s,
        good_orders=len(good),
        good_accepted=len(good) - len(surprises),
        redeemed=frozenset(redeemed),
        voided=frozenset(one.voided for one in good if one.voided is not None),
        requests=len(answers),
        retries=sum(till.retries for till in scene.tills),
        refusals=Counter(answer.code for answer in answers if answer.code != ACCEPTED),
        latencies_s=sorted(answer.took_s for answer in answers if answer.tries == 1),
        attacks=scene.tallies,
        surprises=surprises,
    )


def _answers(tills: Sequence[Till]) -> Iterator[Answer]:
    for till in tills:
        yield from till.answers
