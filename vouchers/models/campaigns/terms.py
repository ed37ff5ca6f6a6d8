"""Terms versions, approvals and the edits of drafts."""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from vouchers.models.campaigns.campaigns import Campaign
from vouchers.sql.triggers import append_only


class CampaignEdit(models.Model):
    """An edit of a draft: user and field. Users with an edit may not decide on the terms."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="edits")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    what = models.CharField(_("what"), max_length=80)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("edit")
        verbose_name_plural = _("edits")
        ordering: ClassVar = ["id"]
        triggers: ClassVar = append_only("edit")

    def __str__(self) -> str:
        return self.what


class TermsVersion(models.Model):
    """An immutable, hashed copy of everything a campaign promises."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("number"))
    document = models.JSONField(_("document"))
    # SHA-256 of the document's canonical JSON: what an approver binds to.
    sha256 = models.BinaryField(_("SHA-256"), max_length=32)
    edited_by = models.JSONField(_("ids of the users who edited it"))
    # As many people as must approve it; written when it was submitted.
    signatures_needed = models.PositiveSmallIntegerField(_("approvals needed"), default=1)
    amends = models.ForeignKey("self", models.PROTECT, null=True, blank=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("terms version")
        verbose_name_plural = _("terms versions")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["campaign", "number"], name="one_terms_per_number")
        ]
        triggers: ClassVar = append_only("terms")

    def __str__(self) -> str:
        return f"v{self.number}"


class Approval(models.Model):
    """One person's yes or no to exactly the terms they saw."""

    class Decision(models.TextChoices):
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("rejected")

    terms = models.ForeignKey(TermsVersion, models.PROTECT, related_name="approvals")
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("approver")
    )
    decision = models.CharField(_("decision"), max_length=8, choices=Decision.choices)
    seen_sha256 = models.BinaryField(_("SHA-256 seen"), max_length=32)
    comment = models.CharField(_("comment"), max_length=500, blank=True)
    decided_at = models.DateTimeField(_("decided at"))

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["terms", "approver"], name="one_decision_per_approver")
        ]
        triggers: ClassVar = [
            *append_only("approval"),
            pgtrigger.Trigger(
                name="approval_by_another_person",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                declare=[("version", "vouchers_termsversion%ROWTYPE")],
                func="""
                    SELECT * INTO STRICT version FROM vouchers_termsversion WHERE id = NEW.terms_id;
                    IF version.edited_by @> to_jsonb(NEW.approver_id) THEN
                        RAISE EXCEPTION 'who edited terms cannot decide on them'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_by_another_person';
                    END IF;
                    IF version.sha256 <> NEW.seen_sha256 THEN
                        RAISE EXCEPTION 'the decision is about other terms'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_of_what_was_seen';
                    END IF;
                    RETURN NEW;
                """,  # noqa: E501
            ),
        ]

    def __str__(self) -> str:
        return f"{self.terms_id} {self.decision}"
