"""A terminal without a key gives a code over HTTP and is answered its key once."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from merchants.auth import authenticate
from merchants.models import EnrolmentGuess
from merchants.services import enrol_terminal
from merchants.services.terminals import WRONG_PER_HOUR, make_code
from tests.support import cast
from vouchers.models import SetupChange

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/terminals/enrol"


def send(body: object, **options: str) -> tuple[int, dict[str, object], dict[str, str]]:
    """Status, body and headers of one call."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = Client().post(ADDRESS, content, content_type="application/json", **options)  # type: ignore[arg-type]
    return answer.status_code, json.loads(answer.content), dict(answer.headers)


def test_a_code_is_answered_with_a_key_that_no_cache_keeps() -> None:
    till = enrol_terminal(store=cast.nanjing_road(), code="T1")
    code = make_code(terminal=till, scopes=["redeem"], valid_s=3600, at=timezone.now())
    status, body, headers = send({"code": code})
    assert status == 201
    assert headers["Cache-Control"] == "no-store"
    assert {
        name: body[name] for name in ("merchant", "store", "terminal", "scopes", "is_test")
    } == {
        "merchant": "huilian",
        "store": till.store.external_id,
        "terminal": "T1",
        "scopes": ["redeem"],
        "is_test": False,
    }
    assert authenticate(str(body["key"]), at=timezone.now()) is not None
    status, body, _ = send({"code": code})
    assert (status, body["code"]) == (404, "enrolment_code_invalid")


def test_the_history_has_the_new_key_by_the_number_of_the_request_and_without_its_hash() -> None:
    till = enrol_terminal(store=cast.nanjing_road(), code="T1")
    code = make_code(terminal=till, scopes=["redeem"], valid_s=3600, at=timezone.now())
    assert send({"code": code}, HTTP_X_REQUEST_ID="till-7")[0] == 201
    made = SetupChange.objects.filter(request_id="till-7").order_by("id")
    assert {change.origin for change in made} == {"api"}
    assert made[0].table_name == "merchants_credential"
    key = made.get(table_name="merchants_credentialkey")
    assert key.after is not None
    assert key.after["key_sha256"] is None


@pytest.mark.parametrize(
    "body", [b"", b"{", {}, {"code": 7}, {"code": ""}, {"code": "x" * 65}, {"code": "a\x00"}]
)
def test_a_malformed_enrolment_code_is_400(body: object) -> None:
    status, said, _ = send(body)
    assert (status, said["code"]) == (400, "malformed_request")


def test_too_many_wrong_codes_from_an_address_answer_retry_after() -> None:
    for number in range(WRONG_PER_HOUR):
        assert send({"code": f"wrong {number}"})[0] == 404
    status, body, headers = send({"code": "another"})
    assert (status, body["code"], body["rule"]) == (429, "rate_limited", "wrong_codes")
    assert 0 < int(headers["Retry-After"]) <= 3600
    assert send({"code": "another"}, REMOTE_ADDR="203.0.113.9")[0] == 404


def test_behind_a_proxy_wrong_codes_stop_their_sender_alone(settings: Any) -> None:
    settings.HUIMIN_PROXIES = 1
    for number in range(WRONG_PER_HOUR):
        # What the caller writes before the proxy's entry does not make it another address.
        forwarded = f"192.0.2.{number}, 203.0.113.9"
        assert send({"code": f"wrong {number}"}, HTTP_X_FORWARDED_FOR=forwarded)[0] == 404
    assert send({"code": "another"}, HTTP_X_FORWARDED_FOR="203.0.113.9")[0] == 429
    assert send({"code": "another"}, HTTP_X_FORWARDED_FOR="203.0.113.10")[0] == 404


def test_a_call_without_a_known_address_is_answered_and_counted() -> None:
    assert send({"code": "wrong"}, REMOTE_ADDR="")[0] == 404
    assert (EnrolmentGuess.objects.get().address, EnrolmentGuess.objects.get().wrong) == ("::", 1)
