"""What a mutation is, and how it is done to a copy of the source or to a fresh database."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


class StaleMutationError(Exception):
    """The text a mutation would change is not there, or there more than once."""


@dataclass(frozen=True, slots=True)
class Patch:
    """`old`, which occurs once in a file of the source, becomes `new`."""

    path: str
    old: str
    new: str

    def apply(self, root: Path) -> None:
        """Change the file below `root`. Raises StaleMutationError."""
        file = root / self.path
        file.write_text(self.changed(file.read_text()))

    def changed(self, text: str) -> str:
        """The text with the change. Raises StaleMutationError."""
        found = text.count(self.old)
        if found != 1:
            raise StaleMutationError(f"{self.path}: {self.old!r} occurs {found} times")
        return text.replace(self.old, self.new)


@dataclass(frozen=True, slots=True)
class Mutation:
    """One guard broken, and the tests of which at least one must notice.

    `invariant` is the number in the design's list; `broken` says what was done, for the table.
    """

    name: str
    invariant: int
    broken: str
    tests: Sequence[str]
    patches: Sequence[Patch] = ()
    sql: str = ""
    # Its tests look at the whole server's transactions: nothing else may run beside them.
    is_alone: bool = False


def source(
    name: str, invariant: int, broken: str, path: str, old: str, new: str, *tests: str
) -> Mutation:
    """A mutation of one place in the source."""
    return Mutation(name, invariant, broken, tests, patches=[Patch(path, old, new)])


def database(name: str, invariant: int, broken: str, sql: str, *tests: str) -> Mutation:
    """A mutation of the migrated database, by its owner."""
    return Mutation(name, invariant, broken, tests, sql=sql)


def without_constraint(table: str, name: str) -> str:
    """SQL that drops a constraint."""
    return f"ALTER TABLE {table} DROP CONSTRAINT {name};"


def without_index(name: str) -> str:
    """SQL that drops a unique index, which is what a conditional unique constraint is."""
    return f"DROP INDEX {name};"


def without_trigger(table: str, name: str) -> str:
    """SQL that drops a trigger, from the partitions too."""
    return f"""DO $do$
    DECLARE found name;
    BEGIN
        SELECT tgname INTO STRICT found FROM pg_trigger
         WHERE tgrelid = '{table}'::regclass AND tgname ~ '^pgtrigger_{name}_[0-9a-f]{{5}}$';
        EXECUTE format('DROP TRIGGER %I ON {table}', found);
    END $do$;"""


def rewritten(function: str, old: str, new: str) -> str:
    """SQL that changes text of a function (named by a regular expression); it must be there."""
    return f"""DO $do$
    DECLARE body text;
    BEGIN
        SELECT pg_get_functiondef(oid) INTO STRICT body FROM pg_proc
         WHERE pronamespace = 'public'::regnamespace AND proname ~ '{function}';
        IF strpos(body, $old${old}$old$) = 0 THEN
            RAISE EXCEPTION 'the text to change is not in {function}';
        END IF;
        EXECUTE replace(body, $old${old}$old$, $new${new}$new$);
    END $do$;"""
