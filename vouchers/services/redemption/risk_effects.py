"""What risk rules do to a batch beside refusing: signals of all that was noticed, and holds."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from vouchers.models import Hold, Redemption, Signal
from vouchers.models.limits.limits import INSERT_HOLDS, NEXT_HOLD_IDS
from vouchers.models.limits.risk import INSERT_SIGNALS
from vouchers.rules.limits.risk import Finding
from vouchers.rules.limits.tallies import RiskCase
from vouchers.services.ledger.transfers import Posting, Split, move_lines
from vouchers.services.redemption.tranche_terms import CampaignTerms
from vouchers.sql.pipeline import raw_connection
from vouchers.sql.wire import Wire
from vouchers.states import AccountKind, Cause, RiskSetting, RiskVerdict, TransferReason

_encode = msgspec.json.encode


class Noticed(NamedTuple):
    """What the rules noticed about one order; no redemption where it was refused."""

    case: RiskCase
    findings: Sequence[Finding]
    voucher_id: int
    order_no: str
    redemption_id: int | None


class Held(NamedTuple):
    """A redemption whose money is held by a rule from the moment it is owed."""

    redemption_id: int
    voucher_id: int
    allocation_id: int
    split: Split
    at: datetime
    reason: str
    opened_by: str
    rule_version_id: int


def reason_of(found: Finding) -> str:
    """Why a rule holds, as the hold keeps it: the kind and the facts."""
    facts = ", ".join(f"{name} {value}" for name, value in found.facts.items())
    return f"{found.rule.kind.value}: {facts}"[:200]


def rules_named(version_no: int) -> str:
    """Who opened a hold: the rules in a version."""
    return f"risk rules v{version_no}"


def send_signals(raw: Wire, noticed: Sequence[Noticed]) -> None:
    """Queue the signals of all findings, whatever became of their orders."""
    rows = [_signal(one, found) for one in noticed for found in one.findings]
    if rows:
        columns = zip(*rows, strict=True)
        INSERT_SIGNALS.send(raw, dict(zip(SIGNAL_COLUMNS, columns, strict=True)))


SIGNAL_COLUMNS = (
    "campaign_id",
    "version_id",
    "kind",
    "setting",
    "verdict",
    "subject",
    "subject_id",
    "store_id",
    "redemption_id",
    "voucher_id",
    "order_no",
    "facts",
    "raised_at",
)


def _signal(one: Noticed, found: Finding) -> tuple[object, ...]:
    """The values of SIGNAL_COLUMNS."""
    case = one.case
    return (
        case.campaign_id,
        case.rules.version_id,
        found.rule.kind.value,
        found.rule.setting.value,
        found.rule.verdict.value,
        found.subject,
        found.subject_id,
        case.store_id,
        one.redemption_id,
        one.voucher_id,
        one.order_no,
        _encode(found.facts).decode(),
        case.at,
    )


def hold_ids(count: int) -> list[tuple[int, int]]:
    """Fresh ids of so many holds and of their transfers; none are asked for where nothing is
    held."""
    return NEXT_HOLD_IDS.send(raw_connection(), {"count": count}).rows() if count else []


def send_holds(raw: Wire, ids: Sequence[tuple[int, int]], held: Sequence[Held]) -> None:
    """Queue the holds, after their redemptions; `hold_posting` moves the money."""
    if held:
        INSERT_HOLDS.send(
            raw,
            {
                "ids": [hold_id for hold_id, _ in ids],
                "redemption_ids": [one.redemption_id for one in held],
                "voucher_ids": [one.voucher_id for one in held],
                "reasons": [one.reason for one in held],
                "opened_by": [one.opened_by for one in held],
                "rule_version_ids": [one.rule_version_id for one in held],
                "ats": [one.at for one in held],
            },
        )


def hold_posting(hold_id: int, held: Held, campaign: CampaignTerms) -> Posting:
    """The whole discount, payable → risk held: in the transaction in which it becomes payable, so
    that no commit shows it as owed."""
    return Posting(
        campaign_id=campaign.row.id,
        reason=TransferReason.HOLD,
        cause=Cause.HOLD,
        cause_id=hold_id,
        at=held.at,
        lines=move_lines(
            campaign.accounts,
            split=held.split,
            allocation_id=held.allocation_id,
            origin=AccountKind.PAYABLE,
            target=AccountKind.RISK_HELD,
        ),
    )


def noted_to_hold(redemption: Redemption) -> Signal | None:
    """The signal of an authorisation that a live rule wants held as soon as it is captured."""
    return (
        Signal.objects.select_related("version")
        .filter(
            redemption=redemption,
            setting=RiskSetting.LIVE.value,
            verdict=RiskVerdict.HOLD.value,
        )
        .order_by("id")
        .first()
    )


def opened_on(signal: Signal, redemption: Redemption, at: datetime) -> Hold:
    """The hold that a signal of its authorisation opens on a captured redemption."""
    facts = ", ".join(f"{name} {value}" for name, value in signal.facts.items())
    return Hold.objects.create(
        redemption=redemption,
        voucher_id=redemption.voucher_id,
        reason=f"{signal.kind}: {facts}"[:200],
        opened_by=rules_named(signal.version.number),
        rule_version=signal.version,
        opened_at=at,
    )
