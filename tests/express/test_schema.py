"""The published description of the API is true: random calls made from it are answered by it."""

from typing import Any

import pytest
import schemathesis
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks as openapi

from merchants.models import Credential
from merchants.services import issue_credential
from merchants.services.credentials import SCOPES
from tests.support import cast
from tests.support.concurrency.invariants import assert_proven
from tests.support.http_till import HttpTill, http_till, open_campaign, shown
from tests.support.web_server import Server
from vouchers.models import Redemption
from vouchers.rules.limits.limits import business_day
from vouchers.services.settlement.days import settle_day

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

EXAMPLES = 20
CHECKS = [
    schemathesis.checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_schema_conformance,
    openapi.response_headers_conformance,
]
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)


def fuzz(operation: Any, hand: HttpTill) -> None:
    """Call one operation with what its description allows, half of the time with real names: of
    vouchers, and of a redemption made before."""
    headers = {"Authorization": f"Bearer {hand.key}"}

    @SETTINGS
    @given(
        case=operation.as_strategy(), number=st.integers(0, len(hand.codes) - 1), real=st.booleans()
    )
    def call(case: Any, number: int, real: bool) -> None:
        if real and isinstance(case.body, dict):
            case.body |= hand.order(number, eligible_amount_fen=20_000)
            case.body.pop("merchant", None)
        if real:
            case.path_parameters.update(
                {name: id_ for name, id_ in hand.ids.items() if name in case.path_parameters}
            )
        response = case.call(headers=headers)
        assert response.status_code < 500, response.text
        case.validate_response(response, checks=CHECKS)

    call()


def key_of_all() -> str:
    """The key of an integrator that may do everything for one merchant."""
    _, key = issue_credential(
        name="fuzz",
        kind=Credential.Kind.INTEGRATOR,
        scopes=SCOPES,
        merchants=[cast.nanjing_road().merchant],
        at=timezone.now(),
    )
    return key


def test_every_answer_is_as_described(express_server: Server) -> None:
    campaign = open_campaign(timezone.now())
    hand = http_till(campaign, "fuzz", key_of_all(), size=EXAMPLES, holder=cast.alice())
    with express_server.client() as client:
        hand.ids["redemption_id"] = shown(client, hand, 0, capture=False)["id"]
        shown(client, hand, 1)
    now = timezone.now()
    today = business_day(now, campaign.zone)
    (settlement,) = settle_day(campaign=campaign, business_day=today, at=now)
    hand.ids["settlement_id"] = settlement.pk
    schema = schemathesis.openapi.from_url(f"{express_server.url}/api/v1/schema")
    results = list(schema.get_all_operations())
    operations = [result.ok() for result in results if isinstance(result, Ok)]
    assert len(operations) == len(results)
    assert {f"{it.method.upper()} {it.path}" for it in operations} >= {
        "POST /api/v1/redemptions",
        "POST /api/v1/redemptions/batch",
        "POST /api/v1/redemptions/quote",
        "POST /api/v1/redemptions/reverse",
        "POST /api/v1/redemptions/{redemption_id}/capture",
        "POST /api/v1/redemptions/{redemption_id}/refunds",
        "POST /api/v1/redemptions/{redemption_id}/void",
        "GET /api/v1/redemptions",
        "GET /api/v1/settlements",
        "GET /api/v1/settlements/{settlement_id}/file",
        "GET /api/v1/redemptions/{redemption_id}",
    }
    for operation in operations:
        fuzz(operation, hand)
    assert Redemption.objects.exists()
    assert_proven()
