"""Every mutation there is, in the order of the invariants."""

from tests.mutations.mutation import Mutation
from tests.mutations.of_callers import OF_CALLERS
from tests.mutations.of_cases import OF_CASES
from tests.mutations.of_claims import OF_CLAIMS
from tests.mutations.of_codes import OF_CODES
from tests.mutations.of_database import OF_DATABASE
from tests.mutations.of_issuing import OF_ISSUING
from tests.mutations.of_locks import OF_LOCKS
from tests.mutations.of_residents import OF_RESIDENTS
from tests.mutations.of_risk import OF_RISK
from tests.mutations.of_rules import OF_RULES
from tests.mutations.of_sandbox import OF_SANDBOX
from tests.mutations.of_settlement import OF_SETTLEMENT
from tests.mutations.of_setup import OF_SETUP
from tests.mutations.of_tills import OF_TILLS
from tests.mutations.of_wrong_codes import OF_WRONG_CODES

MUTATIONS: tuple[Mutation, ...] = tuple(
    sorted(
        (
            *OF_DATABASE,
            *OF_ISSUING,
            *OF_LOCKS,
            *OF_RULES,
            *OF_RISK,
            *OF_CASES,
            *OF_SETTLEMENT,
            *OF_SETUP,
            *OF_TILLS,
            *OF_CLAIMS,
            *OF_CODES,
            *OF_WRONG_CODES,
            *OF_CALLERS,
            *OF_SANDBOX,
            *OF_RESIDENTS,
        ),
        key=lambda mutation: mutation.invariant,
    )
)
