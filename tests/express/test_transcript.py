"""The integrator's page of a day at a till is true: its calls are made, its answers are given."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from merchants.models import Credential
from merchants.services import issue_credential
from tests.support import cast
from tests.support.concurrency.invariants import assert_proven
from tests.support.http_till import MONTH
from tests.support.till import code_of, issue_vouchers
from tests.support.web_server import Server
from vouchers.models import Campaign
from vouchers.rules.limits.limits import business_day
from vouchers.services.settlement.days import settle_day
from vouchers.states import RefundPolicy

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "owner"]),
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
]

DOCS = Path(__file__).parents[2] / "docs"
PAGE = "integrator/day.md"
BLOCK = re.compile(r"^```(bash|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What differs from day to day and from city to city.
VARYING = re.compile(r"^(id|voucher|business_day|sha256|\w+_at)$")
VOUCHERS = 6


def blocks(language: str) -> list[tuple[str, str]]:
    """The page's calls and answers."""
    return BLOCK.findall((DOCS / language / PAGE).read_text(encoding="utf-8"))


def differences(expected: Any, found: Any, path: str = "$") -> list[str]:
    """Where an answer differs from what the page says of it."""
    if isinstance(expected, dict) and isinstance(found, dict):
        if expected.keys() != found.keys():
            return [f"{path} has {sorted(found)}, not {sorted(expected)}"]
        return [
            it
            for name in expected
            for it in differences(expected[name], found[name], f"{path}.{name}")
        ]
    if isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            return [f"{path} has {len(found)} items, not {len(expected)}"]
        pairs = enumerate(zip(expected, found, strict=True))
        return [it for n, pair in pairs for it in differences(*pair, f"{path}[{n}]")]
    varies = VARYING.match(path.rpartition(".")[2])
    same = type(expected) is type(found) if varies else expected == found
    return [] if same else [f"{path} is {found!r}, not {expected!r}"]


@dataclass
class Shell:
    """Runs the page's calls one after the other, as its reader would."""

    environment: dict[str, str]
    codes: list[str]
    made: list[int] = field(default_factory=list)

    def run(self, command: str) -> Any:
        """The JSON that a call answers."""
        variables = {"VOUCHER": self.codes[len(self.made)], "ID": str((self.made or [0])[-1])}
        done = subprocess.run(
            ["bash", "-c", command],
            env={**os.environ, **self.environment, **variables},
            capture_output=True,
            timeout=60,
            check=True,
        )
        found = json.loads(done.stdout)
        self._remember(found)
        return found

    def _remember(self, found: Any) -> None:
        lines = found.get("redemptions", []) if isinstance(found, dict) else []
        for one in [found, *(line["body"] for line in lines)]:
            if isinstance(one, dict) and "redeemed_at" in one and one["id"] not in self.made:
                self.made.append(one["id"])


@pytest.fixture
def campaign() -> Campaign:
    """¥50 off ¥200, paid by city and group, refunds in proportion; two stores."""
    now = timezone.now()
    stores = tuple(cast.store(number, of=cast.huilian()) for number in ("0001", "0002"))
    draft = cast.spring_campaign(
        funding=cast.CO_FUNDED,
        limits={},
        starts_at=now - timedelta(days=2),
        ends_at=now + MONTH,
        stores=stores,
    )
    Campaign.objects.filter(pk=draft.pk).update(refund_policy=RefundPolicy.PRO_RATA.value)
    return cast.launched(draft, at=now)


def key_with(*scopes: str) -> str:
    _, key = issue_credential(
        name=" ".join(scopes),
        kind=Credential.Kind.INTEGRATOR,
        scopes=scopes,
        merchants=[cast.huilian()],
        at=timezone.now(),
    )
    return key


def test_the_page_says_what_the_service_answers(campaign: Campaign, express_server: Server) -> None:
    now = timezone.now()
    holder = cast.resident("R-100200")
    vouchers = issue_vouchers(
        campaign, [holder] * VOUCHERS, tier="off50", at=now - timedelta(days=1)
    )
    shell = Shell(
        {
            "HUIMIN": express_server.url,
            "HUIMIN_KEY": key_with("quote", "redeem", "refund"),
            "HUIMIN_ACCOUNTS_KEY": key_with("settlements"),
            "AN_HOUR_AGO": (now - timedelta(hours=1)).isoformat(),
        },
        [code_of(voucher) for voucher in vouchers],
    )
    page = blocks("en")
    kinds = [kind for kind, _ in page]
    assert kinds == ["bash", "json"] * (len(page) // 2)
    wrong: list[str] = []
    for (_, command), (_, answer) in zip(page[::2], page[1::2], strict=True):
        if "/settlements" in command:
            _close_the_day(campaign, timezone.now())
        address = re.search(r'"\$HUIMIN(\S+)"', command)
        found = shell.run(command)
        wrong += [
            f"{address and address[1]}: {it}" for it in differences(json.loads(answer), found)
        ]
    assert "\n".join(wrong) == ""
    assert_proven()


def _close_the_day(campaign: Campaign, at: datetime) -> None:
    settle_day(campaign=campaign, business_day=business_day(at, campaign.zone), at=at)


def test_the_page_makes_the_same_calls_in_both_languages() -> None:
    assert blocks("en") == blocks("zh")
