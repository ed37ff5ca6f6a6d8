"""Column types that Django has no field for."""

from typing import Any

from django.db import models
from django.db.models.expressions import Func


class CurrentXid(Func):
    """PostgreSQL's 64-bit id of the running transaction; it never wraps round."""

    function = "pg_current_xact_id"
    template = "%(function)s()"


class Xid8Field(models.Field):  # type: ignore[type-arg]  # not subscriptable at run time
    """The transaction that wrote the row, filled in by the database."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("db_default", CurrentXid())
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)

    def db_type(self, connection: Any) -> str:
        return "xid8"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> int | None:
        return None if value is None else int(value)


class CurrentSnapshot(Func):
    """What the running statement sees, as text: which transactions had ended when it began."""

    function = "pg_current_snapshot"
    template = "(%(function)s()::text)"
    output_field = models.TextField()
