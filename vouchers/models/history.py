"""The history of the set-up: every row of it that was added, changed or taken out."""

from typing import ClassVar

from django.apps import apps
from django.db import models
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from vouchers.sql.triggers import append_only


class SetupChange(models.Model):
    """A row of the set-up tables inserted, changed or deleted. Only the trigger of `sql/history`
    writes here, so that every change is recorded however it was made.

    An insert holds all columns, an update those that changed, a delete all as they last were.
    """

    class Operation(models.TextChoices):
        INSERT = "insert", _("added")
        UPDATE = "update", _("changed")
        DELETE = "delete", _("deleted")

    # The row on whose page the change is shown: of a tier, its campaign. By name and number, as the
    # history outlives the rows.
    page_table = models.CharField(_("page of"), max_length=63)
    page_id = models.BigIntegerField(_("page no."))
    table_name = models.CharField(_("table"), max_length=63)
    row_id = models.BigIntegerField(_("row no."))
    operation = models.CharField(_("what"), max_length=6, choices=Operation.choices)
    # Values by column. A secret one is named, with no value.
    before = models.JSONField(_("before"), null=True)
    after = models.JSONField(_("after"), null=True)
    at = models.DateTimeField(_("at"))
    # Who the program says it was; all four are empty for a session of the database.
    user_id = models.BigIntegerField(_("user no."), null=True)
    username = models.CharField(_("user"), max_length=150)
    # "admin", "api", "task …" or "command …".
    origin = models.CharField(_("by way of"), max_length=100)
    request_id = models.CharField(_("request no."), max_length=128)
    # Who the database knows it was: the services' role, or a console session's.
    database_role = models.CharField(_("database role"), max_length=63)

    class Meta:
        verbose_name = _("change of the set-up")
        verbose_name_plural = _("changes of the set-up")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["page_table", "page_id", "-id"], name="setup_change_by_page"),
            models.Index(fields=["username", "-id"], name="setup_change_by_user"),
        ]
        triggers: ClassVar = append_only("setup_change")

    def __str__(self) -> str:
        kinds = {
            model._meta.db_table: model._meta.verbose_name
            for model in apps.get_models(include_auto_created=True)
        }
        kind = capfirst(str(kinds.get(self.table_name, self.table_name)))
        return f"{kind} {self.row_id} {self.get_operation_display()}"
