"""The published description of the API is true: random calls made from it, and random calls that
break it, are answered by it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pytest
import redis
import schemathesis
from django.utils import timezone
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks as openapi

from merchants.models import Credential
from merchants.references import is_reference
from merchants.services import issue_credential
from merchants.services.credentials import SCOPES
from tests.express.test_claims import open_round
from tests.support import cast
from tests.support.concurrency.invariants import assert_proven
from tests.support.http_till import HttpTill, http_till, open_campaign, shown
from tests.support.web_server import Server
from vouchers.models import Claim, Redemption
from vouchers.rules.limits.limits import business_day
from vouchers.services.settlement.days import settle_day

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

EXAMPLES = 8
"""Calls of each operation that keep to the description, and as many that break it."""

CHANNEL = re.compile(r"/api/v1/(claims|offers|residents|vouchers)\b")
"""Calls that an integrator's key is refused, or that concern people: a channel's."""

# What the description allows and is refused all the same (400), in the answer's own words: JSON
# Schema can't say it.
BEYOND_A_SCHEMA = (
    "Expected `int | null`, got `float`",  # 1.0 is an integer to JSON Schema
    "Expected `int`, got `float`",
    "Latitudes beyond",
    "Longitude 0, latitude 0 is",
    "Longitude and latitude look swapped",
    "Object missing required field `id_digits`",  # of a paper's code only
    "Object missing required field `resident`",  # of a printed code only
    "Unknown datum",  # it has many spellings
    "`after` is the code of",  # its check digits are keyed
    "a text has printable characters only",
    "eligible_amount_fen exceeds order_amount_fen",
    "longitude, latitude and datum come together or not at all",
    "name one of",
    "no district on file has the code",
    "occurred_at is not of this century",
    "the character NUL is not allowed",
)
DOUBTFUL = {"datum", "latitude", "longitude", "merchant", "occurred_at"}
"""Of these a random choice is refused, so that the rest of an order would never be looked at."""

TAKES_NOTHING = {"sandbox_amounts"}
"""Nothing can be wrong with these calls."""

BY_LINE = {"redeem_batch"}
"""What is wrong with a line is said in its verdict; the answer is 200."""

# Beside schemathesis's own: what a rule of the business refuses (422) was a valid request.
CONFIG: dict[str, Any] = {
    "checks": {
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "401", "403", "404", "409", "422", "429"]
        }
    }
}
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)


def fuzz(operation: Any, hand: HttpTill, mode: GenerationMode) -> set[int]:
    """Call one operation with what its description allows, half of the time with real names: of
    vouchers, and of a redemption made before; or with what it doesn't allow. Every check of
    schemathesis is made of the answer. Returns their statuses."""
    statuses: set[int] = set()
    bearer = {"Authorization": f"Bearer {hand.key}"}

    @SETTINGS
    @given(
        case=operation.as_strategy(generation_mode=mode),
        number=st.integers(0, len(hand.codes) - 1),
        real=st.booleans() if mode.is_positive else st.just(False),
    )
    def call(case: Any, number: int, real: bool) -> None:
        if mode.is_positive:
            # Of a number with a percent sign schemathesis sometimes makes another one.
            assume(all(is_reference(unquote(str(it))) for it in case.path_parameters.values()))
        if real:
            name(case, hand, number)
        # Where the key is what is left out, it has to stay out.
        headers = bearer if mode.is_positive or "Authorization" in case.headers else {}
        response = case.call(headers=headers)
        statuses.add(response.status_code)
        case.validate_response(
            response, headers=headers, excluded_checks=[*unfit(operation, response)]
        )

    call()
    return statuses


def unfit(operation: Any, response: Any) -> Iterator[Any]:
    """The checks that an answer can't pass, for a reason that stands above."""
    if operation.definition.raw["operationId"] in BY_LINE:
        yield openapi.negative_data_rejection
    if response.status_code == 400 and any(it in response.text for it in BEYOND_A_SCHEMA):
        yield openapi.positive_data_acceptance


def modes_of(operation: Any) -> list[GenerationMode]:
    """Right calls and wrong ones, where there can be any."""
    if operation.definition.raw["operationId"] in TAKES_NOTHING:
        return [GenerationMode.POSITIVE]
    return list(GenerationMode)


def name(case: Any, hand: HttpTill, number: int) -> None:
    """Put names of what there is into a call."""
    known = hand.order(number, eligible_amount_fen=20_000) | {"tier": "grab-2026/off20"}
    if isinstance(case.body, dict):
        asked = known if "voucher" in case.body else known.keys() & case.body.keys()
        case.body |= {field: known[field] for field in asked}
        for field in DOUBTFUL & case.body.keys():
            del case.body[field]
    known |= {"external_id": "alice", "code": hand.codes[number]} | hand.ids
    for places in (case.path_parameters, case.query):
        places.update({field: known[field] for field in places.keys() & known.keys()})


def keys_of_all() -> tuple[str, str]:
    """The keys of an integrator that may do everything for one merchant, and of a channel."""
    at = timezone.now()
    _, integrator = issue_credential(
        name="fuzz",
        kind=Credential.Kind.INTEGRATOR,
        scopes=SCOPES,
        merchants=[cast.nanjing_road().merchant],
        at=at,
    )
    _, channel = issue_credential(
        name="fuzz",
        kind=Credential.Kind.CHANNEL,
        scopes=["claim", "residents"],
        channel_code="alipay",
        at=at,
    )
    return integrator, channel


def test_every_answer_is_as_described(express_server: Server, redis_client: redis.Redis) -> None:
    campaign = open_campaign(timezone.now())
    open_round("grab-2026")
    integrator, channel = keys_of_all()
    hand = http_till(campaign, "fuzz", integrator, size=EXAMPLES, holder=cast.alice())
    with express_server.client() as client:
        hand.ids["redemption_id"] = shown(client, hand, 0, capture=False)["id"]
        shown(client, hand, 1)
    now = timezone.now()
    today = business_day(now, campaign.zone)
    (settlement,) = settle_day(campaign=campaign, business_day=today, at=now)
    hand.ids["settlement_id"] = settlement.pk
    config = SchemathesisConfig.from_dict(CONFIG)
    schema = schemathesis.openapi.from_url(f"{express_server.url}/api/v1/schema", config=config)
    results = list(schema.get_all_operations())
    operations = [result.ok() for result in results if isinstance(result, Ok)]
    assert len(operations) == len(results)
    assert {f"{it.method.upper()} {it.path}" for it in operations} >= {
        "GET /api/v1/offers",
        "GET /api/v1/residents/{external_id}/explain",
        "GET /api/v1/residents/{external_id}/vouchers",
        "POST /api/v1/claims",
        "POST /api/v1/terminals/enrol",
        "POST /api/v1/vouchers/{code}/paper",
        "POST /api/v1/vouchers/{code}/present",
        "PUT /api/v1/residents/{external_id}",
        "PUT /api/v1/residents/{external_id}/consents/{purpose}",
        "PUT /api/v1/residents/{external_id}/points/{kind}",
        "PUT /api/v1/residents/{external_id}/proxies/{proxy_id}",
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
    app = replace(hand, key=channel)
    for operation in operations:
        by = app if CHANNEL.match(operation.path) else hand
        statuses = set().union(*(fuzz(operation, by, mode) for mode in modes_of(operation)))
        assert statuses - {400, 401, 403}, operation.label
    assert Claim.objects.exists()
    assert Redemption.objects.exists()
    assert_proven()
