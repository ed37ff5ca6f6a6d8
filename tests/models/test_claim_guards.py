"""What the database itself demands of claims, their vouchers and the tranches that grow by them."""

import pytest

from tests.support import cast, claims
from tests.support.violations.constraints import OF_DRAFT, again, guard_that_refuses

pytestmark = pytest.mark.usefixtures("book")


def test_only_one_that_is_claimed_from_grows_and_none_shrinks() -> None:
    grown = "UPDATE vouchers_tranche SET voucher_count = voucher_count %s WHERE shard_id IS %s"
    minted, claimed = "NOT NULL", "NULL"
    assert guard_that_refuses(grown % ("+ 1", minted)) == "tranche_grows_by_claims"
    assert guard_that_refuses(grown % ("- 1", claimed)) == "tranche_grows_by_claims"
    assert guard_that_refuses(grown % ("+ 1", claimed)).startswith("nothing")


def test_a_voucher_enters_with_its_claim_or_with_its_tranche() -> None:
    """Each column of it is compared with its claim."""
    claimed = "id = (SELECT voucher_id FROM vouchers_claim)"
    for change in (
        {"resident_id": "resident_id + 1"},
        {"allocation_id": "(SELECT max(id) + 1 FROM vouchers_allocation)"},
        {"bucket": "(bucket + 1) % 1024"},
        {"state": "3"},
    ):
        next_one = {"id": "id + 1", **change}
        refused = guard_that_refuses(again("vouchers_voucher", claimed, **next_one))
        assert refused == "voucher_was_claimed", change


def test_a_claim_is_of_a_round_that_is_claimed_and_open() -> None:
    for change in (
        {"round_id": f"(SELECT id FROM vouchers_round WHERE {OF_DRAFT})"},
        {"tier_id": f"(SELECT min(id) FROM vouchers_tier WHERE {OF_DRAFT})"},
        {"claimed_at": "claimed_at - interval '1 day'"},
        {"store_location_id": "0"},
        {"caller_id": "0"},
    ):
        assert guard_that_refuses(_second_claim(**change)) == "claim_within_its_offer", change


def test_no_claim_crosses_the_boundary_of_the_sandbox() -> None:
    tester = {"resident_id": f"{cast.ada().pk}"}
    channel = {"caller_id": f"{claims.app(is_test=True).credential_id}"}
    for foreign in (tester, channel, {"resident_id": "0"}):
        assert guard_that_refuses(_second_claim(**foreign)) == "claim_within_its_offer", foreign
    assert guard_that_refuses(_second_claim()).startswith("nothing")


def _second_claim(**change: str) -> str:
    other = "(SELECT min(id) FROM vouchers_resident)"
    return again("vouchers_claim", **{"resident_id": other, "voucher_id": "1", **change})
