"""Acts on money that one person proposes and another approves, exactly as they were seen."""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from vouchers.models.campaigns.campaigns import Campaign
from vouchers.sql.fields import Xid8Field
from vouchers.sql.triggers import append_only, own_transaction, refuse_if
from vouchers.states import Decision, ProposalKind

PROPOSAL_KINDS = [
    (ProposalKind.APPROPRIATION.value, _("change of an appropriation (批复额度调整)")),
    (ProposalKind.QUOTAS.value, _("change of quotas (配额调整)")),
    (ProposalKind.REPAYMENT.value, _("left-over to the treasury (缴回)")),
    (ProposalKind.RISK_RULES.value, _("risk rules (风控规则)")),
]
DECISIONS = [
    (Decision.APPROVED.value, _("approved")),
    (Decision.REJECTED.value, _("rejected")),
]


class Proposal(models.Model):
    """A change proposed to a launched campaign's money, with its reason."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="proposals")
    kind = models.CharField(_("kind"), max_length=13, choices=PROPOSAL_KINDS)
    # The figures as they were seen and as they are to be; its hash is what an approver binds to.
    document = models.JSONField(_("document"))
    sha256 = models.BinaryField(_("SHA-256"), max_length=32)
    # As many people as must approve it; written when it was proposed.
    signatures_needed = models.PositiveSmallIntegerField(_("approvals needed"), default=1)
    why = models.CharField(_("why"), max_length=500)
    request_id = models.CharField(_("request no."), max_length=64, unique=True)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("proposed by")
    )
    proposed_at = models.DateTimeField(_("proposed at"))

    class Meta:
        verbose_name = _("proposal")
        verbose_name_plural = _("proposals")
        ordering: ClassVar = ["-id"]
        triggers: ClassVar = append_only("proposal")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.request_id}"


class ProposalSignature(models.Model):
    """An approval that does not decide yet: others have to approve too. The last one decides."""

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="signatures")
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("signed by")
    )
    seen_sha256 = models.BinaryField(_("SHA-256 seen"), max_length=32)
    comment = models.CharField(_("comment"), max_length=500, blank=True)
    signed_at = models.DateTimeField(_("signed at"))

    class Meta:
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["proposal", "signed_by"], name="one_signature_per_person"
            )
        ]
        triggers: ClassVar = [
            *append_only("proposal_signature"),
            pgtrigger.Trigger(
                name="signature_by_another_person",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=refuse_if(
                    "EXISTS (SELECT FROM vouchers_proposal p WHERE p.id = NEW.proposal_id"
                    " AND (p.proposed_by_id = NEW.signed_by_id OR p.sha256 <> NEW.seen_sha256))",
                    "signature_by_another_person",
                    "a signature is another person''s, on what was seen",
                )
                + " RETURN NEW;",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.proposal_id} {self.signed_by}"


class ProposalDecision(models.Model):
    """Another person's approval or rejection; an approval commits together with its effects, and is
    the last of as many as are needed."""

    proposal = models.OneToOneField(Proposal, models.PROTECT, related_name="decision")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("decided by")
    )
    decision = models.CharField(_("decision"), max_length=8, choices=DECISIONS)
    seen_sha256 = models.BinaryField(_("SHA-256 seen"), max_length=32)
    comment = models.CharField(_("comment"), max_length=500, blank=True)
    decided_at = models.DateTimeField(_("decided at"))
    xid = Xid8Field()

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        triggers: ClassVar = [
            *append_only("proposal_decision"),
            own_transaction("proposal_decision"),
            # The deciding one is one of those needed, and by none of those who signed before.
            pgtrigger.Trigger(
                name="decision_with_all_signatures",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=refuse_if(
                    "EXISTS (SELECT FROM vouchers_proposalsignature s"
                    " WHERE (s.proposal_id, s.signed_by_id) = (NEW.proposal_id, NEW.decided_by_id))"
                    " OR NEW.decision = 'approved' AND"
                    " (SELECT p.signatures_needed - 1 FROM vouchers_proposal p"
                    " WHERE p.id = NEW.proposal_id) > (SELECT count(*)"
                    " FROM vouchers_proposalsignature s WHERE s.proposal_id = NEW.proposal_id)",
                    "decision_with_all_signatures",
                    "others have to approve before it is decided",
                )
                + " RETURN NEW;",
            ),
            pgtrigger.Trigger(
                name="decision_by_another_person",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                declare=[("asked", "vouchers_proposal%ROWTYPE")],
                func="""
                    SELECT * INTO STRICT asked FROM vouchers_proposal WHERE id = NEW.proposal_id;
                    IF asked.proposed_by_id = NEW.decided_by_id THEN
                        RAISE EXCEPTION 'who proposed something cannot decide on it'
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'decision_by_another_person';
                    END IF;
                    IF asked.sha256 <> NEW.seen_sha256 THEN
                        RAISE EXCEPTION 'the decision is about something else'
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'decision_of_what_was_seen';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.proposal_id} {self.decision}"
