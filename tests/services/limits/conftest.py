"""The campaign that risk rules watch."""

from functools import partial

import pytest

from tests.support import cast
from tests.support.risk import Watched, with_rules
from vouchers.models import Campaign


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    """The spring campaign without limits, and whom the tests need."""
    cast.alice(), cast.bob(), cast.carol()
    return cast.running_campaign(limits={})


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


@pytest.fixture
def watched(campaign: Campaign) -> Watched:
    return partial(with_rules, campaign)
