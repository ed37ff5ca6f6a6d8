"""What breaks each guard of grants of roles, of their streets and of signatures, by the guard's own
name."""

from collections.abc import Mapping

from tests.support.violations.constraints import again

STREET = "(SELECT min(code) FROM merchants_street)"


def role_constraints() -> Mapping[str, str]:
    """By name of a CHECK or UNIQUE constraint: statements it must refuse."""
    return {
        "grant_by_another_person": again("vouchers_grant", given_by_id="user_id"),
        "grant_ends_after_it_begins": again("vouchers_grant", until_at="from_at"),
        "grant_withdrawn_by_a_person": "UPDATE vouchers_grant SET withdrawn_at = given_at",
        "one_signature_per_person": again("vouchers_proposalsignature"),
    }


def role_triggers() -> Mapping[str, str]:
    """By name of a trigger that guards changes: statements it must refuse."""
    return {
        "grant_frozen": "UPDATE vouchers_grant SET until_at = from_at + interval '1 day'",
        "grant_street_of_its_district": again(
            "vouchers_grant", district_id="NULL", street_id=STREET
        ),
        "grant_withdrawn_once": (
            "UPDATE vouchers_grant SET withdrawn_at = given_at, withdrawn_by_id = given_by_id;"
            "UPDATE vouchers_grant SET withdrawn_at = NULL, withdrawn_by_id = NULL"
        ),
        "store_street_of_its_district": (
            f"UPDATE merchants_store SET district_id = NULL, street_id = {STREET}"
        ),
        "street_district_frozen": "UPDATE merchants_street SET district_id = district_id + 1",
    }
