"""A client in a process of its own: stories of vouchers, each step sent until it is answered.

It works through vouchers that it alone has, and writes a line to its file for every answer it was
given: what was acknowledged to it. It stops, in between two stories, when `FILE.stop` is there.
"""

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db import Error, connection
from django.utils import timezone

from merchants.models import Store
from tests.support.till import (
    captured,
    order,
    redeem,
    refunded,
    reversed_,
    till_of,
    voided,
)
from vouchers.models import Redemption, Resident, Voucher
from vouchers.services.acts import Answer

Step = Mapping[str, Any]
"""What is sent: kind, key, and what that kind needs; the same step is always the same bytes."""

PAUSE_S = 0.01
PATIENCE_S = 120
STORIES = (
    ("redeem",),
    ("redeem", "void", "redeem", "refund"),
    ("redeem", "reverse", "redeem", "void"),
    ("authorise", "capture", "refund a part", "refund the rest"),
    ("authorise", "capture less", "reverse"),
    ("authorise", "capture too little", "redeem", "refund a part"),
    ("reverse what is to come", "redeem what was reversed", "authorise", "void"),
)
AMOUNT_FEN = 20_000
FINAL_FEN = {"capture": 20_000, "capture less": 15_000, "capture too little": 5_000}
BACK_FEN = {"refund": 18_000, "refund a part": 5_000, "refund the rest": 13_000}
START = """\
import sys
import django

django.setup()
from tests.support.client_process import main

main(*sys.argv[1:])
"""


def start(
    environment: Mapping[str, str], seed: str, vouchers: Sequence[int], file: Path
) -> subprocess.Popen[bytes]:
    """Let a client begin with vouchers whose ids follow each other."""
    arguments = [seed, str(vouchers[0]), str(vouchers[-1]), str(file)]
    return subprocess.Popen([sys.executable, "-c", START, *arguments], env=dict(environment))


def main(seed: str, first_id: str, last_id: str, file: str) -> None:
    """Runs stories until it is stopped, or all vouchers have been used."""
    dice, path = random.Random(seed), Path(file)
    with path.open("a", encoding="utf-8") as log:

        def note(step: Step, answer: Answer) -> None:
            line = {**step, "status": answer.status, "body": answer.body.decode()}
            log.write(json.dumps(line) + "\n")
            log.flush()

        for voucher_id in range(int(first_id), int(last_id) + 1):
            if path.with_suffix(".stop").exists():
                return
            play(voucher_id, dice.choice(STORIES), note)


def play(voucher_id: int, story: Sequence[str], note: Callable[[Step, Answer], None]) -> None:
    """The steps of one voucher's story, one after the other."""
    redemption_id, order_no = 0, ""
    for number, kind in enumerate(story):
        key = f"{voucher_id}-{number}"
        if kind in ("redeem", "authorise", "reverse what is to come"):
            order_no = key
        step = {
            "kind": kind,
            "key": key,
            "voucher": voucher_id,
            "order_no": order_no,
            "redemption": redemption_id,
        }
        answer = until_answered(step)
        note(step, answer)
        if answer.status == 201 and kind in ("redeem", "authorise"):
            redemption_id = json.loads(answer.body)["id"]
        time.sleep(PAUSE_S)


def until_answered(step: Step) -> Answer:
    """Send it, under its key, until there is an answer that stands."""
    give_up_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_at:
        try:
            answer = send(step)
        except Error:
            connection.close()
        else:
            if not json.loads(answer.body).get("retryable"):
                return answer
        time.sleep(0.05)
    raise AssertionError(f"{step} was never answered")


def send(step: Step) -> Answer:
    """A step as a till sends it; asked again, the very same."""
    store = Store.objects.get(external_id="nanjing_road")
    kind, at, key = step["kind"], timezone.now(), step["key"]
    if kind.startswith(("redeem", "authorise")):
        request = order(
            Voucher.objects.get(pk=step["voucher"]),
            store,
            Resident.objects.get(external_id="alice"),
            amount_fen=AMOUNT_FEN,
            order_no=step["order_no"],
            capture=kind != "authorise",
            caller=till_of(store),
            at=at,
            key=key,
        )
        return redeem(requests=[request])[0]
    if kind.startswith("reverse"):
        return reversed_(store, step["order_no"], caller=till_of(store), at=at, key=key)
    row = Redemption.objects.get(pk=step["redemption"])
    if kind == "void":
        return voided(row, caller=till_of(store), at=at, key=key)
    if kind in FINAL_FEN:
        return captured(row, amount_fen=FINAL_FEN[kind], caller=till_of(store), at=at, key=key)
    return refunded(
        row,
        amount_fen=BACK_FEN[kind],
        refund_no=key,
        store=store,
        caller=till_of(store),
        at=at,
        key=key,
    )
