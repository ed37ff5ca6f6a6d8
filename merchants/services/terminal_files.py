"""Terminals from a file: enrolled where they are missing, each with a one-time code; and the own
numbers of an integrator for stores and terminals."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from django.db import transaction
from django.db.models.functions import Upper
from django.utils.translation import gettext_noop

from merchants.models import Credential, OwnNumber, Store, Terminal
from merchants.references import folded
from merchants.services.blocks import Block
from merchants.services.summaries import REASONS, LoadSummary, RowFault
from merchants.services.tables import encoding_notice, open_table
from merchants.services.terminals import make_code

COLUMNS: Final = ("merchant", "store", "terminal")
OWN_COLUMNS: Final = ("own_store", "merchant", "store")
TERMINAL_REASONS: Final = {
    **REASONS,
    "store_unknown": gettext_noop("The merchant has no store of that number."),
    "store_foreign": gettext_noop("The credential does not act for that store."),
    "terminal_unknown": gettext_noop("The store has no terminal of that number."),
    "till_incomplete": gettext_noop("The own till number and the terminal must be given together."),
}


class MadeCode(NamedTuple):
    """A terminal and the code it is enrolled by."""

    merchant: str
    store: str
    terminal: str
    code: str


class _Row(NamedTuple):
    position: int
    merchant: str
    store: str
    terminal: str


def import_terminals(
    *,
    path: Path,
    scopes: Collection[str],
    valid_s: int,
    at: datetime,
    on_fault: Callable[[RowFault], None],
    on_code: Callable[[MadeCode], None],
    is_test: bool = False,
    on_progress: Callable[[int], None] = lambda done: None,
) -> LoadSummary:
    """Enrol the terminals of a CSV and make a code for each; `on_code` gets them as they are made.

    Columns: merchant (its code), store (its number), terminal. Every block of rows is a
    transaction; its codes are given out after it has committed. Raises UnreadableFileError, and
    Refused `credential_incomplete` for a scope that does not exist.
    """
    summary, seen = LoadSummary(), set[tuple[int, str]]()
    with open_table(path, COLUMNS) as table:
        summary.notices += encoding_notice(table)
        for block in table.blocks():
            names = block.ids("terminal", 40)
            made: list[MadeCode] = []
            with transaction.atomic():
                for row, terminal in _enrolled(block, names, seen, summary):
                    code = make_code(
                        terminal=terminal, scopes=scopes, at=at, valid_s=valid_s, is_test=is_test
                    )
                    made.append(MadeCode(row.merchant, row.store, row.terminal, code))
            for one in made:
                on_code(one)
            _count(block, summary)
            block.report(names, TERMINAL_REASONS, on_fault, summary)
            on_progress(table.bytes_read)
    return summary


def _enrolled(
    block: Block, names: list[str], seen: set[tuple[int, str]], summary: LoadSummary
) -> Iterator[tuple[_Row, Terminal]]:
    """Every sound row with its terminal, created where it is missing; a row whose terminal an
    earlier row has named is marked."""
    for row, store in _stores_of(block, names):
        if (store.pk, row.terminal) in seen:
            _mark(block, row, "duplicate_row")
            continue
        seen.add((store.pk, row.terminal))
        terminal, is_new = Terminal.objects.get_or_create(store=store, code=row.terminal)
        summary.new += is_new
        summary.unchanged += not is_new
        yield row, terminal


def import_own_numbers(
    *,
    path: Path,
    credential: Credential,
    on_fault: Callable[[RowFault], None],
    on_progress: Callable[[int], None] = lambda done: None,
) -> LoadSummary:
    """Map an integrator's own numbers to stores and tills; a number given again means the new one.

    Columns: own_store, merchant, store; optionally own_terminal and terminal, which go together.
    Raises UnreadableFileError.
    """
    summary = LoadSummary()
    may_act_for = set(credential.merchants.values_list("pk", flat=True))
    with open_table(path, OWN_COLUMNS) as table:
        summary.notices += encoding_notice(table)
        for block in table.blocks():
            own_stores = block.ids("own_store", 40)
            tills = _texts(block, "terminal"), _texts(block, "own_terminal")
            incomplete = np.array([bool(a) != bool(b) for a, b in zip(*tills, strict=True)])
            block.faults.mark(incomplete, "till_incomplete")
            with transaction.atomic():
                for row, store in _stores_of(block, tills[0]):
                    if store.merchant_id not in may_act_for:
                        _mark(block, row, "store_foreign")
                        continue
                    own = own_stores[row.position], tills[1][row.position]
                    _map(block, summary, credential, row, store, own)
            _count(block, summary)
            block.report(own_stores, TERMINAL_REASONS, on_fault, summary)
            on_progress(table.bytes_read)
    return summary


def _map(
    block: Block,
    summary: LoadSummary,
    credential: Credential,
    row: _Row,
    store: Store,
    own: tuple[str, str],
) -> None:
    terminal = store.terminals.filter(code=row.terminal).first() if row.terminal else None
    if row.terminal and terminal is None:
        _mark(block, row, "terminal_unknown")
        return
    known = OwnNumber.objects.filter(
        credential=credential, store_no__iexact=own[0], terminal_no__iexact=own[1]
    ).first()
    if known is None:
        OwnNumber.objects.create(
            credential=credential,
            store_no=own[0],
            terminal_no=own[1],
            store=store,
            terminal=terminal,
        )
        summary.new += 1
    elif (known.store, known.terminal) != (store, terminal):
        known.store, known.terminal = store, terminal
        known.save(update_fields=["store", "terminal"])
        summary.changed += 1
    else:
        summary.unchanged += 1


def _stores_of(block: Block, terminals: list[str]) -> Iterator[tuple[_Row, Store]]:
    """Every sound row with its store; a row whose store is not on file is marked."""
    merchants, numbers = block.texts("merchant", 40, required=True), block.ids("store", 40)
    found = (
        Store.objects.select_related("merchant")
        .annotate(number=Upper("external_id"))
        .filter(merchant__code__in=set(merchants), number__in=set(map(folded, numbers)))
    )
    stores = {(store.merchant.code, folded(store.external_id)): store for store in found}
    for position in np.flatnonzero(block.faults.sound).tolist():
        row = _Row(position, merchants[position], numbers[position], terminals[position])
        store = stores.get((row.merchant, folded(row.store)))
        if store is None:
            _mark(block, row, "store_unknown")
        else:
            yield row, store


def _count(block: Block, summary: LoadSummary) -> None:
    summary.read += len(block)
    summary.refused += int((~block.faults.sound).sum())


def _texts(block: Block, name: str) -> list[str]:
    return block.texts(name, 40) if name in block else [""] * len(block)


def _mark(block: Block, row: _Row, code: str) -> None:
    where = np.zeros(len(block), dtype=np.bool_)
    where[row.position] = True
    block.faults.mark(where, code)
