"""Mutations of what officers do for residents."""

from tests.mutations.mutation import Mutation, source

SERVICES = "vouchers/services/residents"
OFFICE = "tests/services/residents/test_office.py"
REFUSED = f"{OFFICE}::test_who_may_not_changes_nothing"
SIGNED = f"{OFFICE}::test_the_history_says_who_did_it_and_when"


def _office(name: str, broken: str, old: str, new: str, test: str) -> Mutation:
    return source(name, 5, broken, f"{SERVICES}/office.py", old, new, test)


OF_RESIDENTS: tuple[Mutation, ...] = (
    _office(
        "anyone declares a proxy",
        "a proxy is declared without the right to change residents",
        "    require_permission(by, CHANGE, at=at, on=holder)\n",
        "",
        REFUSED,
    ),
    _office(
        "anyone ends a proxy",
        "a proxy's declaration is ended without the right to change residents",
        "    require_permission(by, CHANGE, at=at, on=proxy)\n",
        "",
        REFUSED,
    ),
    _office(
        "a proxy without an author",
        "the history does not say who declared a proxy",
        "    note(holder, by=by, what=what, at=at, resident=proxy.external_id)\n",
        "",
        SIGNED,
    ),
    source(
        "a freeze without an author",
        5,
        "nothing says who froze a resident",
        f"{SERVICES}/standing.py",
        "StandingChange.objects.create(resident=locked, state=target.value, by=by, at=at)",
        "pass",
        "tests/services/audience/test_explain.py::"
        "test_who_froze_a_resident_is_named_by_the_act_and_not_by_a_text",
    ),
    source(
        "anyone links a device",
        8,
        "a link is recorded without the right to change residents",
        f"{SERVICES}/links.py",
        "    require_permission(by, CHANGE, at=at, on=resident)\n",
        "",
        REFUSED,
    ),
)
