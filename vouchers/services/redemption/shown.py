"""The codes of a batch: what each of them stands for, and how it stands under its voucher's lock.

What a presentation or paper is of never changes, so it is read before anything is locked; whether
it has been used is read after its voucher is. Wrong codes are counted of the key, the store and the
voucher. The counters are read without a lock: guesses in flight at one moment are judged together,
no more of them than there are processes, and then waited for.
"""

import hmac
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from django.conf import settings

from merchants.auth import TERMINAL, Caller
from vouchers.models.redemption.presentations import (
    ADD_WRONG_CODES,
    COUNT_PAPER_TRIES,
    FIND_PAPERS,
    FIND_PRESENTATIONS,
    READ_PAPERS,
    READ_PRESENTATIONS,
    READ_WRONG_CODES,
    USE_PRESENTATIONS,
    FoundCode,
    PaperRow,
    PresentationRow,
    WrongRow,
)
from vouchers.rules.issuing import codes, numbered_codes
from vouchers.rules.issuing.numbered_codes import PAPER, PRESENTED
from vouchers.rules.redemption.shown import (
    PRINTED,
    Shown,
    Way,
    Wrong,
    WrongKey,
    window_no,
)
from vouchers.services.redemption.requests import RedeemOrder
from vouchers.services.residents.identity import keyed_hash
from vouchers.sql.pipeline import pipeline
from vouchers.sql.statements import Result
from vouchers.sql.wire import Wire
from vouchers.states import WrongCodeKind

NO_STORES: Final[Mapping[str, Sequence[str]]] = {"store_nos": [], "merchant_ids": []}
WAYS: Final = {PRESENTED: Way.PRESENTED, PAPER: Way.PAPER}


@dataclass(frozen=True, slots=True)
class ShownCode:
    """What a code stands for: `voucher_id` is None for one that is not ours, `resident_no` who
    shows it, and `row_id` the presentation or paper."""

    way: Way
    voucher_id: int | None
    resident_no: str
    row_id: int = 0
    # The voucher that a printed code names, whether or not its check digits are right.
    named_id: int | None = None


def codes_of(orders: Sequence[RedeemOrder]) -> list[ShownCode]:
    """What the codes of a batch stand for; a query only where some are not printed ones."""
    numbered = {
        order.voucher: found
        for order in orders
        if numbered_codes.is_numbered(order.voucher)
        and (found := numbered_codes.decode(order.voucher, settings.HUIMIN_CODE_KEY))
    }
    rows = _find(set(numbered.values())) if numbered else {}
    return [_code_of(order, numbered, rows) for order in orders]


def _find(
    wanted: Iterable[numbered_codes.Numbered],
) -> dict[numbered_codes.Numbered, FoundCode]:
    by_kind: dict[str, list[int]] = {PRESENTED: [], PAPER: []}
    for kind, number in sorted(wanted):
        by_kind[kind].append(number)
    with pipeline() as raw:
        presentations = FIND_PRESENTATIONS.send(raw, {"ids": by_kind[PRESENTED]})
        papers = FIND_PAPERS.send(raw, {"ids": by_kind[PAPER]})
    return {
        numbered_codes.Numbered(kind, row.id): row
        for kind, found in ((PRESENTED, presentations), (PAPER, papers))
        for row in found.rows()
    }


def _code_of(
    order: RedeemOrder,
    numbered: Mapping[str, numbered_codes.Numbered],
    rows: Mapping[numbered_codes.Numbered, FoundCode],
) -> ShownCode:
    if not numbered_codes.is_numbered(order.voucher):
        return printed_code(order.voucher, order.resident or "")
    way = WAYS[order.voucher[0]]
    found = rows.get(numbered[order.voucher]) if order.voucher in numbered else None
    if found is None:
        return ShownCode(way, None, order.resident or "")
    shown_by = order.resident if way is Way.PAPER and order.resident else found.resident_no
    return ShownCode(way, found.voucher_id, shown_by, found.id)


def printed_code(code: str, resident_no: str) -> ShownCode:
    """What a voucher's own code stands for at a till."""
    return replace(listed_code(code, resident_no), named_id=codes.named(code))


def listed_code(code: str, resident_no: str) -> ShownCode:
    """What a voucher's own code stands for in a channel. There only the key's wrong codes count:
    guesses at tills don't keep a holder from presenting the voucher."""
    return ShownCode(
        Way.PRINTED, codes.decode(code, settings.HUIMIN_CODE_KEY), resident_no, named_id=None
    )


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """Presentations and papers of a batch by id, and the wrong codes of its subjects."""

    presentations: Mapping[int, PresentationRow] = field(default_factory=dict)
    papers: Mapping[int, PaperRow] = field(default_factory=dict)
    wrong: Mapping[WrongKey, Wrong] = field(default_factory=dict)

    def of(self, code: ShownCode, order: RedeemOrder) -> Shown:
        """The code as the rules see it."""
        if code.way is Way.PRESENTED:
            row = self.presentations.get(code.row_id)
            if row is None:  # old and forgotten since it was found
                return Shown(code.way, code.row_id)
            return Shown(
                code.way,
                row.id,
                expires_at=row.expires_at,
                is_used=row.is_used,
                is_of_another=order.resident not in (None, code.resident_no),
            )
        if code.way is Way.PAPER:
            paper = self.papers[code.row_id]
            assert code.voucher_id is not None
            given = digits_hash(code.voucher_id, order.id_digits)
            return Shown(
                code.way,
                paper.id,
                wrong_count=paper.wrong_count,
                is_replaced=paper.is_replaced,
                digits_match=hmac.compare_digest(paper.digits_hmac, given),
            )
        return PRINTED


@dataclass(frozen=True, slots=True)
class AskedCodes:
    """The statements of `ask`, whose rows are read after the pipeline."""

    presentations: Result[PresentationRow] | None
    papers: Result[PaperRow] | None
    wrong: Result[WrongRow]

    def facts(self) -> CodeFacts:
        """What they answered."""
        return CodeFacts(
            presentations={row.id: row for row in self.presentations.rows()}
            if self.presentations
            else {},
            papers={row.id: row for row in self.papers.rows()} if self.papers else {},
            wrong=wrong_codes(self.wrong.rows()),
        )


def ask(
    raw: Wire,
    shown: Sequence[ShownCode],
    *,
    keys: Iterable[WrongKey],
    stores: Mapping[str, Sequence[str]],
) -> AskedCodes:
    """Send the statements that read how the codes stand; after the vouchers are locked. `stores`
    are the parameters of FIND_STORES."""
    ids = {
        way: sorted({code.row_id for code in shown if code.way is way and code.row_id})
        for way in (Way.PRESENTED, Way.PAPER)
    }
    return AskedCodes(
        presentations=READ_PRESENTATIONS.send(raw, {"ids": ids[Way.PRESENTED]})
        if ids[Way.PRESENTED]
        else None,
        papers=READ_PAPERS.send(raw, {"ids": ids[Way.PAPER]}) if ids[Way.PAPER] else None,
        wrong=read_wrong_codes(raw, keys, stores),
    )


def read_wrong_codes(
    raw: Wire, keys: Iterable[WrongKey], stores: Mapping[str, Sequence[str]]
) -> Result[WrongRow]:
    """Send the statement that reads counters of wrong codes: these, and those of the stores."""
    wanted = set(keys)
    subjects = sorted({(key.kind, key.subject_id) for key in wanted})
    return READ_WRONG_CODES.send(
        raw,
        {
            "kinds": [kind for kind, _ in subjects],
            "subject_ids": [subject_id for _, subject_id in subjects],
            "window_nos": sorted({key.window_no for key in wanted}),
            **stores,
        },
    )


def wrong_codes(rows: Iterable[WrongRow]) -> dict[WrongKey, Wrong]:
    """Counters by their key."""
    return {WrongKey(*row[:3]): Wrong(row.wrong_count, row.last_at) for row in rows}


def counted_for(
    code: ShownCode, caller: Caller, *, store_id: int | None, at: datetime
) -> list[WrongKey]:
    """The counters that a wrong code counts in, and that may slow it down: in the sandbox only the
    key's, since stores and the vouchers that codes name may be live."""
    is_till = caller.kind == TERMINAL
    kind = WrongCodeKind.TERMINAL if is_till else WrongCodeKind.CALLER
    subjects = [
        (kind, caller.credential_id),
        (WrongCodeKind.STORE, store_id),
        (WrongCodeKind.VOUCHER, code.named_id),
    ]
    if caller.is_test:
        subjects = subjects[:1]
    hour = window_no(at)
    return [WrongKey(kind, id_, hour) for kind, id_ in subjects if id_ is not None]


def send_wrong_codes(raw: Wire, wrong: Sequence[tuple[Sequence[WrongKey], datetime]]) -> None:
    """Count wrong codes, each in its counters, inside the caller's transaction."""
    counts = Counter(key for keys, _ in wrong for key in keys)
    last: dict[WrongKey, datetime] = {}
    for keys, at in wrong:
        for key in keys:
            last[key] = max(at, last.get(key, at))
    order = sorted(counts)
    ADD_WRONG_CODES.send(
        raw,
        {
            "kinds": [key.kind for key in order],
            "subject_ids": [key.subject_id for key in order],
            "window_nos": [key.window_no for key in order],
            "counts": [counts[key] for key in order],
            "last_ats": [last[key] for key in order],
        },
    )


def send_uses(
    raw: Wire,
    *,
    used: Mapping[int, int],
    tried: Mapping[int, int],
) -> None:
    """Write which presentation (id) made which redemption, and wrong tries of papers by id."""
    if used:
        columns = {"ids": list(used), "redemption_ids": list(used.values())}
        USE_PRESENTATIONS.send(raw, columns)
    if tried:
        ids = sorted(tried)
        COUNT_PAPER_TRIES.send(raw, {"ids": ids, "counts": [tried[id_] for id_ in ids]})


def digits_hash(voucher_id: int, digits: str) -> bytes:
    """What is kept of the last four of an identity number, for one voucher."""
    return keyed_hash("paper", f"{voucher_id}:{digits.upper()}")
