"""Every mutation there is, in the order of the invariants."""

from tests.mutations.mutation import Mutation
from tests.mutations.of_database import OF_DATABASE
from tests.mutations.of_locks import OF_LOCKS
from tests.mutations.of_rules import OF_RULES

INVARIANTS = {
    1: "Budget identity",
    2: "Never over, never under",
    3: "Double entry",
    4: "Subledger ties",
    5: "A voucher redeems at most once",
    6: "Terms are frozen, acts approved",
    7: "One effect per request",
    8: "Resident and link limits",
    9: "Fraud limits",
    10: "Crash-anywhere",
    11: "Each redemption is settled once",
    12: "Targeting is exact",
}
MUTATIONS: tuple[Mutation, ...] = tuple(
    sorted((*OF_DATABASE, *OF_LOCKS, *OF_RULES), key=lambda mutation: mutation.invariant)
)
