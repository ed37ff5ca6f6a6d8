"""The document that an approval binds to has one spelling and one hash."""

import pytest

from vouchers.rules.campaigns.terms import canonical_json, terms_sha256


def test_the_order_of_keys_does_not_change_the_hash() -> None:
    assert terms_sha256({"a": 1, "b": "券"}) == terms_sha256({"b": "券", "a": 1})
    assert canonical_json({"b": "券", "a": [1, None]}) == '{"a":[1,null],"b":"券"}'.encode()


def test_nan_has_no_spelling() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": float("nan")})
