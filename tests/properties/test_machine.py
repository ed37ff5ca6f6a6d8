"""Fund, reserve, mint, hand out, redeem, void, expire, settle, in any order: the books hold.

Hypothesis invents the days of a small city. After every step the engine and a model of it
(`model.py`) must agree on every balance, headroom, voucher and counter, and every constraint that
waits for the commit is made to speak (`machine.py`).
"""

import hypothesis
import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.city import open_city
from tests.properties.machine import Machine
from vouchers.models import Campaign

pytestmark = pytest.mark.django_db

# One example is a life of so many acts, some forty checks each; so a part of the profile's number.
EXAMPLES = max(15, hypothesis.settings().max_examples // 4)
STEPS = 30


@pytest.fixture
def city() -> Campaign:
    return open_city()


@pytest.mark.timeout(1_200)  # a failure is worth the minutes it takes to make it short
def test_whatever_happens_the_books_hold(city: Campaign) -> None:
    class OfThisCity(Machine):
        campaign = city

    run_state_machine_as_test(
        OfThisCity,
        settings=hypothesis.settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            print_blob=True,
            report_multiple_bugs=False,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )
