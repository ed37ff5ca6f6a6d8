"""Two people to be registered or loaded, their places, and all that is on file of residents."""

from datetime import UTC, datetime, timedelta
from typing import Any

from merchants.geo import Datum
from vouchers.models import Consent, Resident, ResidentPoint
from vouchers.services.residents.acts import Place

NOON = datetime(2026, 4, 1, 4, 0, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
HOME = Place(121.48, 31.23, Datum.GCJ_02)
WORK = Place(121.50, 31.20, Datum.WGS_84)
ALICE_ID = "11010519491231002X"
BOB_ID = "440524188001010014"


def contents() -> list[list[tuple[Any, ...]]]:
    """Every row that a registration or load writes, to show that nothing moved."""
    return [
        list(model.objects.order_by("pk").values_list())
        for model in (Resident, ResidentPoint, Consent)
    ]
