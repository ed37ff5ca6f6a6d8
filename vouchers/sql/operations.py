"""Operations of migrations that Django and django-pgtrigger have no form of their own for."""

from collections.abc import Mapping, Sequence
from itertools import takewhile

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import CreateModel
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from pgtrigger.compiler import Trigger


def with_tables_at_once(operations: Sequence[Operation]) -> list[Operation]:
    """The operations of a migration that begins by creating tables, which it does at once."""
    first = [*takewhile(lambda operation: isinstance(operation, CreateModel), operations)]
    return [CreateTables(first), *operations[len(first) :]]


class CreateTables(Operation):
    """Create many tables at once, in order.

    Every `CreateModel` by itself would render all models anew that its own is related to: for
    seventy tables that takes three of the four seconds of a migration.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, tables: Sequence[Operation]) -> None:
        self.tables = tables

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Let the state have the models; they are rendered when one is asked for."""
        if "apps" in vars(state):
            del state.apps
        for table in self.tables:
            table.state_forwards(app_label, state)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Create them."""
        for table in self.tables:
            table.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Drop them, the last one first."""
        for table in reversed(self.tables):
            table.database_backwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        """What `migrate --plan` says."""
        return f"Create {len(self.tables)} tables"


class AddTriggers(Operation):
    """Install triggers of many tables at once; `triggers` is by model name.

    `pgtrigger.migrations.AddTrigger` renders all models anew for every single trigger, which takes
    longer than everything else a migration does. No rendered model depends on its triggers.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, triggers: Mapping[str, Sequence[Trigger]]) -> None:
        self.triggers = triggers

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Let the autodetector know of the triggers."""
        for model_name, triggers in self.triggers.items():
            options = state.models[app_label, model_name].options
            options["triggers"] = [*options.get("triggers", []), *triggers]

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Install them."""
        for triggers in self.triggers.values():
            for trigger in triggers:
                schema_editor.execute(trigger.install_sql, params=None)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Take them out."""
        for triggers in self.triggers.values():
            for trigger in triggers:
                schema_editor.execute(trigger.uninstall_sql, params=None)

    def describe(self) -> str:
        """What `migrate --plan` says."""
        return f"Install the triggers of {len(self.triggers)} tables"
