"""Forged claims do not prove, whatever is worked out anew that needs no key."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.packs import Rows, forge
from tests.support.verifier import said

CORRUPTIONS: dict[str, tuple[Callable[[list[dict[str, Any]]], object], str]] = {
    "one gone": (lambda claims: claims.pop(), "vouchers of 2 claims"),
    "of another resident": (
        lambda claims: claims[0].update(resident="0" * 16),
        "is not a claim of that voucher",
    ),
    "of another voucher": (
        lambda claims: claims[0].update(voucher=1),
        "not a claim of that voucher",
    ),
    "too early": (
        lambda claims: claims[0].update(claimed_at="2026-03-31T00:00:00Z"),
        "its round was not open",
    ),
    "twice": (
        lambda claims: claims[1].update(resident=claims[0]["resident"]),
        "more than one resident may have",
    ),
}
"""Changes of the claims in a pack, and what is said to them."""


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_forged_claims_do_not_prove(
    packs_made: dict[str, Path], tmp_path: Path, corruption: str
) -> None:
    change, words = CORRUPTIONS[corruption]

    def lie(rows: Rows) -> None:
        change(rows["claims"])

    forged = forge(packs_made["claimed"], tmp_path / "forged.zip", lie, reseal=True)
    code, text = said(forged)
    assert code == 1, text
    assert words in text, text
