"""At both doors a key that asks too often is answered 429, and every answer names its request."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.utils import timezone

from tests.support import cast
from tests.support.http_till import open_campaign, till_key
from tests.support.web_server import Server, serving

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

PATH = "/api/v1/redemptions"


@pytest.fixture(scope="module", params=["asginl", "wsgi"])
def server(process_environment: dict[str, str], request: pytest.FixtureRequest) -> Iterator[Server]:
    """A door where a terminal may ask six times in a window."""
    strict = {**process_environment, "HUIMIN_TERMINAL_RATE_LIMIT": "36"}
    with serving(strict, request.param) as server:
        yield server


@pytest.fixture
def key(redis_client: redis.Redis) -> str:
    """A till's, of which no window has counted a call: keys of other tests have the same number."""
    open_campaign(timezone.now())
    return till_key(cast.nanjing_road())


def test_the_seventh_call_is_rate_limited(server: Server, key: str) -> None:
    with server.client() as client:
        headers = {"authorization": f"Bearer {key}"}
        answers = [client.post(PATH, headers=headers, content=b"{}") for _ in range(7)]
        assert [answer.status_code for answer in answers] == [400] * 6 + [429]
        assert answers[0].headers["ratelimit-policy"] == '"key";q=6;w=10'
        assert answers[0].headers["ratelimit"].startswith('"key";r=5;t=')
        last = answers[-1]
        said = last.json()
        assert (said["code"], said["retryable"]) == ("rate_limited", True)
        assert int(last.headers["retry-after"]) == said["facts"]["retry_after_s"] > 0
        assert last.headers["content-type"] == "application/problem+json"
        nobody = client.post(PATH, content=b"{}")
        assert nobody.status_code == 401
        assert "ratelimit" not in nobody.headers


def test_a_batch_counts_as_many_calls_as_it_has_lines(server: Server, key: str) -> None:
    other = till_key(cast.nanjing_road(), code="T2")  # the server has counted calls of `key`
    with server.client() as client:
        headers = {"authorization": f"Bearer {other}"}
        batches: list[Any] = [{"redemptions": [{}] * lines} for lines in (2, 500, 1)]
        answers = [client.post(f"{PATH}/batch", headers=headers, json=each) for each in batches]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    left = [answer.headers["ratelimit"].partition(";t=")[0] for answer in answers]
    assert left == ['"key";r=4', '"key";r=0', '"key";r=0']
    assert "retry-after" not in answers[1].headers


def test_a_request_is_named_as_it_names_itself(server: Server) -> None:
    with server.client() as client:
        named = client.post(PATH, headers={"x-request-id": "till-7"})
        assert named.headers["x-request-id"] == "till-7"
        unnamed, odd = client.post(PATH), client.post(PATH, headers={"x-request-id": "a b"})
        assert len(unnamed.headers["x-request-id"]) == 36
        assert odd.headers["x-request-id"] not in ("a b", unnamed.headers["x-request-id"])
        looked_up = client.get(f"{PATH}/1", headers={"x-request-id": "till-8"})
        assert looked_up.headers["x-request-id"] == "till-8"
