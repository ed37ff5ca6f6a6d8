"""The mutation check itself works, and every mutation still fits the source and the database."""

import ast
from functools import cache

import pytest
from django.db import connection, transaction

from docs.generated.invariants import INVARIANTS
from tests.mutations.mutation import ROOT, Mutation, Patch, StaleMutationError
from tests.mutations.runner import Laboratory, Outcome
from tests.mutations.table import MUTATIONS
from tests.support import database
from tests.support.books import as_owner

SAMPLE = ("voucher_redeems_once", "a fen lost in a split")
"""A guard of the database and one of the code."""


def test_every_invariant_is_broken_in_some_way() -> None:
    assert {mutation.invariant for mutation in MUTATIONS} == set(range(1, len(INVARIANTS) + 1))
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS) >= 40


def test_every_patch_still_fits_the_source() -> None:
    for mutation in MUTATIONS:
        for patch in mutation.patches:
            ast.parse(patch.changed((ROOT / patch.path).read_text()), patch.path)


def test_a_patch_whose_text_is_gone_says_so() -> None:
    with pytest.raises(StaleMutationError, match="occurs 0 times"):
        Patch("pyproject.toml", "not there", "").changed("there")


@pytest.mark.django_db(databases=["default", "owner"])
def test_every_statement_still_fits_the_database() -> None:
    with as_owner():
        for mutation in MUTATIONS:
            if mutation.sql:
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute(mutation.sql)
                    transaction.set_rollback(True)


def test_every_test_that_is_named_is_there() -> None:
    missing = {test for mutation in MUTATIONS for test in mutation.tests if not _is_there(test)}
    assert missing == set()


def test_a_broken_guard_turns_a_test_red_and_a_whole_one_turns_none(
    django_db_setup: None,
) -> None:
    harmless = Mutation(
        name="harmless",
        invariant=4,
        broken="a comment",
        tests=("tests/test_money.py::test_yuan_says_the_exact_amount",),
        patches=[Patch("vouchers/money.py", "nothing rounds silently.", "nothing rounds.")],
    )
    chosen = [*(it for it in MUTATIONS if it.name in SAMPLE), harmless]
    assert len(chosen) == len(SAMPLE) + 1
    with Laboratory(base=database.TEMPLATE, jobs=2) as laboratory:
        control = laboratory.control(chosen)
        assert control.red == (), control.said
        results = {it.mutation.name: it for it in laboratory.try_all(chosen, control)}
    assert results.pop("harmless").outcome is Outcome.SURVIVED
    assert {it.outcome for it in results.values()} == {Outcome.KILLED}, results


def _is_there(test: str) -> bool:
    path, *names = test.split("::")
    return not names or names[-1] in _names(path)


@cache
def _names(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}
