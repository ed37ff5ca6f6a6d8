"""A voucher on paper (纸质券): a code of its own, good with four digits of the identity number."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_noop as _

from merchants.auth import Caller
from merchants.errors import Refusal, Refused
from merchants.models import Credential
from vouchers.models import Paper, Resident, Tranche
from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.models.issuing.vouchers import LOCK_VOUCHERS
from vouchers.queries.redemption import IssuedPaper
from vouchers.rules.issuing.numbered_codes import PAPER, encode
from vouchers.rules.redemption.redeem import Case, judge_presenting
from vouchers.rules.redemption.shown import PAPER_TRIES, judge_pause
from vouchers.services.history import note
from vouchers.services.redemption.clocks import showing_time
from vouchers.services.redemption.codebook import printed
from vouchers.services.redemption.present import count_wrong, read_facts
from vouchers.services.redemption.shown import digits_hash, listed_code
from vouchers.services.residents.identity import keyed_hash, normalised_national_id
from vouchers.services.roles import require_permission
from vouchers.sql.pipeline import raw_connection

DIGITS: Final = 4
NOT_THE_HOLDER: Final = Refusal("voucher_not_usable", "holder_or_proxy")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRequest:
    """A paper asked for: the voucher's printed code, its holder, and their identity number."""

    caller: Caller
    code: str
    resident_no: str
    national_id: str
    at: datetime


def issue_paper(*, request: PaperRequest) -> IssuedPaper:
    """A new paper for a voucher; the one before it is void from now on.

    Only for the holder, whose identity number on file has to be the one that is sent. Refuses as
    `present` does; a wrong identity number counts as a wrong code.
    """
    with transaction.atomic():
        found = _issue(request)
    if isinstance(found, Refusal):
        raise Refused(found.code, found.rule, **found.facts)
    return found


def _issue(request: PaperRequest) -> IssuedPaper | Refusal:
    code = listed_code(request.code, request.resident_no)
    at = showing_time(code, caller=request.caller, at=request.at)
    if code.voucher_id is not None:  # two papers of one voucher are made one after the other
        LOCK_VOUCHERS.send(raw_connection(), {"voucher_ids": [code.voucher_id]})
    facts = read_facts(code, caller=request.caller, at=at)
    national_id = normalised_national_id(request.national_id)
    refusal = (
        judge_pause(facts.wrong, at, free=settings.HUIMIN_WRONG_CODES)
        or judge_presenting(facts.case)
        or _judge_holder(facts.case, request.resident_no, national_id)
    )
    if refusal is not None:
        count_wrong(code, refusal, caller=request.caller, at=at)
        return refusal
    voucher, terms = facts.case.voucher, facts.case.tranche
    assert voucher is not None  # the rules have asked
    assert terms is not None
    replaced = Paper.objects.filter(voucher_id=voucher.id, replaced_at=None).update(replaced_at=at)
    paper = Paper.objects.create(
        voucher_id=voucher.id,
        holder_id=voucher.resident_id,
        caller_id=request.caller.credential_id,
        digits_hmac=digits_hash(voucher.id, national_id[-DIGITS:]),
        issued_at=at,
    )
    return IssuedPaper(
        voucher=request.code,
        code=encode(PAPER, paper.pk, settings.HUIMIN_CODE_KEY),
        valid_until_at=terms.valid_until_at,
        has_replaced=bool(replaced),
    )


def replace_paper(*, paper: Paper, national_id: str, by: User, at: datetime) -> IssuedPaper:
    """A new paper at the counter, for a holder who lost the one there was; noted in the holder's
    history.

    Refuses `not_permitted`, and as `issue_paper` does; a wrong identity number counts as a wrong
    code of the channel that had the lost paper made.
    """
    require_permission(by, "vouchers.change_paper", at=at, on=paper)
    of = Tranche.objects.select_related("campaign").get(pk=paper.voucher_id >> SERIAL_BITS)
    request = PaperRequest(
        caller=_channel(paper.caller_id, is_test=of.campaign.is_test),
        code=printed(paper.voucher_id),
        resident_no=paper.holder.external_id,
        national_id=national_id,
        at=at,
    )
    with transaction.atomic():
        found = _issue(request)
        if isinstance(found, IssuedPaper):
            note(paper.holder, by=by, what=_("paper %(paper)s replaced"), at=at, paper=paper.pk)
    if isinstance(found, Refusal):
        raise Refused(found.code, found.rule, **found.facts)
    return found


def _channel(credential_id: int, *, is_test: bool) -> Caller:
    return Caller(
        credential_id=credential_id,
        kind=Credential.Kind.CHANNEL.value,
        scopes=frozenset(),
        merchant_ids=frozenset(),
        store_ids=None,
        terminal_code="",
        channel_code="",
        is_test=is_test,
    )


def count_wrong_try(*, voucher_id: int, paper_id: int) -> None:
    """Count one try with wrong digits, of a paper that is live and not locked by now; locks the
    voucher, inside the caller's transaction."""
    LOCK_VOUCHERS.send(raw_connection(), {"voucher_ids": [voucher_id]})
    live = Paper.objects.filter(pk=paper_id, replaced_at=None, wrong_count__lt=PAPER_TRIES)
    live.update(wrong_count=F("wrong_count") + 1)


def _judge_holder(case: Case, resident_no: str, national_id: str) -> Refusal | None:
    """A proxy has a paper made in the holder's name, with the holder's identity number."""
    assert case.voucher is not None  # the rules have asked
    holder = Resident.objects.get(pk=case.voucher.resident_id)
    on_file = holder.identity_hmac
    if holder.external_id != resident_no or on_file is None:
        return NOT_THE_HOLDER
    is_same = hmac.compare_digest(bytes(on_file), keyed_hash("national_id", national_id))
    return None if is_same else NOT_THE_HOLDER
