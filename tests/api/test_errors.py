"""What the API says of a fault that is not the caller's."""

import json

import pytest
from django.db import InterfaceError, OperationalError
from django.test import RequestFactory

from vouchers.api.errors import handle


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize(
    ("method", "rule"),
    [("GET", "busy"), ("HEAD", "busy"), ("POST", "outcome_unknown"), ("PUT", "outcome_unknown")],
)
def test_only_an_act_has_an_unknown_outcome_when_the_database_is_lost(
    error: type[Exception], method: str, rule: str
) -> None:
    """A look-up is only to be repeated: nothing was to be written."""
    answer = handle(error("gone"), {"request": RequestFactory().generic(method, "/")})
    assert answer is not None
    said = json.loads(answer.content)
    assert (answer.status_code, said["code"], said["rule"]) == (503, "busy", rule)
    assert answer["Retry-After"] == "1"


def test_other_faults_are_left_to_django() -> None:
    assert handle(ValueError(), {"request": RequestFactory().get("/")}) is None
