"""Fund, issue, claim, show, redeem, undo, settle, in any order and by any clock: the books hold.

Hypothesis invents the days of a small city. After every step the engine and a model of it
(`tests/support/reference_model`) must agree on every balance, headroom, voucher, redemption, claim,
code, counter and settlement, and every constraint that waits for the commit is made to speak
(`machine/`).
"""

from collections.abc import Mapping
from typing import Any

import hypothesis
import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.machine import Machine
from tests.support.small_city import open_city
from vouchers.models import Campaign
from vouchers.states import RefundPolicy

pytestmark = pytest.mark.django_db

# One example is a life of so many acts, some forty checks each; so a part of the profile's number.
EXAMPLES = max(20, hypothesis.settings().max_examples // 10)
STEPS = 45


@pytest.fixture
def cities() -> Mapping[RefundPolicy, Campaign]:
    """A campaign under each policy for refunds."""
    return {policy: open_city(policy) for policy in RefundPolicy}


@pytest.mark.timeout(3_600)  # a failure is worth the minutes it takes to make it short
def test_whatever_happens_the_books_hold(
    cities: Mapping[RefundPolicy, Campaign], settings: Any
) -> None:
    settings.HUIMIN_WRONG_CODES = 10_000  # no till here is made to wait

    class OfTheseCities(Machine):
        pass

    OfTheseCities.cities = cities
    run_state_machine_as_test(
        OfTheseCities,
        settings=hypothesis.settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            print_blob=True,
            report_multiple_bugs=False,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )
