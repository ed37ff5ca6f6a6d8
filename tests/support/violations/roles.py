"""What breaks each guard of grants of roles and of signatures, by the guard's own name."""

from collections.abc import Mapping

from tests.support.violations.constraints import STREET, again


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
    }
