"""A request is called what it says itself, if that can be echoed and logged safely."""

import uuid

import pytest

from vouchers.http.request_ids import request_id


@pytest.mark.parametrize("given", ["a", "till-7/2026.04:01", "x" * 128])
def test_a_plain_name_is_kept(given: str) -> None:
    assert request_id(given) == given


@pytest.mark.parametrize("given", [None, "", "a b", "a\r\nSet-Cookie: x", "名", "x" * 129])
def test_any_other_gets_a_new_one(given: str | None) -> None:
    made = request_id(given)
    assert made != given
    assert str(uuid.UUID(made)) == made
