"""For each guard of the database, by its own name: statements that it must refuse."""

from collections.abc import Mapping

from tests.support.violations.cases import case_constraints, case_triggers
from tests.support.violations.constraints import constraints, triggers
from tests.support.violations.money import money_triggers
from tests.support.violations.roles import role_constraints, role_triggers
from tests.support.violations.stops import stop_constraints


def every_constraint() -> Mapping[str, str]:
    """Of all CHECK and UNIQUE constraints."""
    return {**constraints(), **case_constraints(), **role_constraints(), **stop_constraints()}


def every_trigger() -> Mapping[str, str]:
    """Of all triggers that guard changes."""
    return {**triggers(), **case_triggers(), **money_triggers(), **role_triggers()}
