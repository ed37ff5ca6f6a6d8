"""What a table of vouchers must be before it is attached."""

import pytest
from django.db import transaction
from psycopg.errors import CheckViolation

from tests.support import cast
from tests.support.till import issue_vouchers
from vouchers.models import Voucher

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("is_test", [False, True], ids=["live", "sandbox"])
def test_no_voucher_crosses_the_boundary_of_the_sandbox(is_test: bool) -> None:
    """The database refuses one that a faulty run would mint among others."""
    own, foreign = (cast.ada(), cast.alice()) if is_test else (cast.alice(), cast.ada())
    campaign = cast.running_campaign(is_test=is_test)

    with pytest.raises(CheckViolation, match="crosses the boundary"), transaction.atomic():
        issue_vouchers(campaign, [own, foreign])

    assert not Voucher.objects.exists()
    (voucher,) = issue_vouchers(campaign, [own])
    assert voucher.resident_id == own.pk
