"""The auditor's pack written: one archive, read in one snapshot of the database."""

import hashlib
import hmac
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any, Final

import msgspec
from django.conf import settings
from django.db import connection, transaction

from vouchers.models import Campaign
from vouchers.queries.proofs import findings
from vouchers.queries.proofs.journal import journal
from vouchers.queries.proofs.pack import sheets as sheets
from vouchers.queries.proofs.pack.sheet import Sheet
from vouchers.rules.campaigns.terms import canonical_json
from vouchers.rules.proofs import packs
from vouchers.rules.proofs.packs import Pseudonyms, RowChain
from vouchers.rules.proofs.seals import journal_line
from vouchers.sql.pipeline import raw_connection
from vouchers.sql.streams import Row, blocks, server_cursor

COMPRESSION: Final = 1
"""Of zlib: what matters is that ten million rows are soon written."""
HASH_BLOCK_BYTES: Final = 1 << 20
VERIFIER_PACKAGE: Final = "vouchers.verify"

Progress = Callable[[str, int], None]
"""Called with a file's name and how many more of its rows are written."""

# Texts among a refusal's facts that name no person; all others are put under a pseudonym.
PLAIN_FACTS: Final = frozenset(
    {
        "business_day",
        "category",
        "ended_at",
        "merchant",
        "next_at",
        "order_kind",
        "order_no",
        "refund_no",
        "state",
        "store",
        "subject",
        "valid_from_at",
        "valid_until_at",
        "window",
    }
)

_encode = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True, slots=True)
class Written:
    """What a pack holds: rows by file, and the SHA-256 of its bytes, which its comment states."""

    rows: Mapping[str, int]
    sha256: str


def export_pack(
    *, campaign: Campaign, path: Path, at: datetime, progress: Progress = lambda name, rows: None
) -> Written:
    """Write a campaign's pack to `path`; nothing is left there unless it is whole.

    Everything is read in one repeatable-read snapshot. People, devices and payments are named by
    pseudonyms that are stable within a campaign (`pack_key`). Raises OSError.
    """
    draft = path.with_name(f"{path.name}.part")
    try:
        with _snapshot(), _archive(draft) as archive:
            writer = _Writer(archive, campaign, at, progress)
            writer.write()
        sha256 = _close(draft)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return Written({name: chain.rows for name, chain in writer.chains.items()}, sha256)


def verifier() -> bytes:
    """The verifier as a zipapp: needs a Python 3.11 or later and nothing else."""
    package = VERIFIER_PACKAGE.replace(".", "/")
    modules = resources.files(VERIFIER_PACKAGE).iterdir()
    sources = {
        f"{package}/{module.name}": module.read_bytes()
        for module in modules
        if module.name.endswith(".py")
    }
    return packs.zipapp(
        {"vouchers/__init__.py": b"", **sources}, f"{VERIFIER_PACKAGE}.__main__:run"
    )


def pack_key(campaign: Campaign) -> bytes:
    """The key of a campaign's pseudonyms, derived from the installation's."""
    return hmac.digest(settings.HUIMIN_PII_KEY, f"pack|{campaign.code}".encode(), "sha256")


class _Writer:
    """Files of one pack, written one after the other."""

    def __init__(
        self, archive: zipfile.ZipFile, campaign: Campaign, at: datetime, progress: Progress
    ) -> None:
        self._archive = archive
        self._campaign = campaign
        self._at = at
        self._progress = progress
        self._raw = raw_connection()
        self._pseudonyms = Pseudonyms(pack_key(campaign))
        self.chains: dict[str, RowChain] = {}

    def write(self) -> None:
        """Every file, and the manifest that lists them."""
        for sheet in sheets.SHEETS:
            self._file(sheet.name, self._sheet(sheet))
        entries = journal(self._raw, campaign_id=self._campaign.pk)
        self._file(sheets.JOURNAL, (map(journal_line, block) for block in entries))
        self._file(sheets.SHARDS, [map(_encode, sheets.shards(self._campaign.pk))])
        self._file(sheets.FINDINGS, self._findings())
        program = verifier()
        self._archive.writestr(zipfile.ZipInfo(packs.VERIFIER), program, zipfile.ZIP_DEFLATED)
        self._archive.writestr(zipfile.ZipInfo(packs.MANIFEST), self._manifest(program))

    def _file(self, name: str, bodies: Iterable[Iterable[bytes]]) -> None:
        file = f"{name}.jsonl"
        chain = self.chains[file] = RowChain(file)
        with self._archive.open(file, "w", force_zip64=True) as out:
            for block in bodies:
                before = chain.rows
                out.write(chain.lines(block))
                self._progress(file, chain.rows - before)

    def _sheet(self, sheet: Sheet) -> Iterator[Iterator[bytes]]:
        parameters = {"campaign_id": self._campaign.pk}
        with server_cursor(self._raw, sheet.text, parameters) as cursor:
            names = [column.name for column in cursor.description or ()]
            hidden = [(names.index(name), kind) for name, kind in sheet.hidden.items()]
            for block in blocks(cursor):
                yield self._bodies(names, hidden, block)

    def _bodies(
        self, names: Sequence[str], hidden: Sequence[tuple[int, str]], block: Sequence[Row]
    ) -> Iterator[bytes]:
        for row in block:
            if hidden:
                values = list(row)
                for place, kind in hidden:
                    values[place] = self._hide(kind, values[place])
                yield _encode(dict(zip(names, values, strict=True)))
            else:
                yield _encode(dict(zip(names, row, strict=True)))

    def _hide(self, kind: str, value: Any) -> Any:
        if value is None or value == "":
            return value
        if kind == "facts":
            return {name: self._hide_fact(name, fact) for name, fact in value.items()}
        return self._pseudonyms.name(kind, value)

    def _hide_fact(self, name: str, fact: Any) -> Any:
        if fact is None or isinstance(fact, bool | int | float) or name in PLAIN_FACTS:
            return fact
        return self._pseudonyms.name(f"fact {name}", str(fact))

    def _findings(self) -> Iterator[list[bytes]]:
        found = findings.answers(self._raw, campaign_id=self._campaign.pk, at=self._at)
        for question, rows in found:
            yield [_encode({"question": question.name, **row}) for row in rows]

    def _manifest(self, program: bytes) -> bytes:
        (snapshot,) = sheets.SNAPSHOT.send(self._raw, {}).rows()
        head = self._campaign.seals.order_by("-number").first()
        document = {
            "format": packs.FORMAT,
            "version": packs.VERSION,
            "cell": settings.HUIMIN_CELL,
            "campaign": self._campaign.code,
            "written_at": self._at.isoformat(),
            "snapshot": snapshot,
            "chain_head": bytes(head.sha256).hex() if head else None,
            "files": [
                {"name": name, "rows": chain.rows, "sha256": chain.sha256, "head": chain.head}
                for name, chain in self.chains.items()
            ],
            "verifier": {"name": packs.VERIFIER, "sha256": hashlib.sha256(program).hexdigest()},
        }
        return canonical_json(document) + b"\n"


@contextmanager
def _snapshot() -> Iterator[None]:
    """One moment of the database for all statements; within a transaction that is open, its own."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.wrap_database_errors:
        with connection.cursor() as cursor:
            if is_outermost:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            # Cursors are read to their end, so plans are made for all rows and not for the first.
            cursor.execute(
                "SET LOCAL work_mem = '128MB'; SET LOCAL jit = off;"
                "SET LOCAL cursor_tuple_fraction = 1; SET LOCAL plan_cache_mode = 'auto'"
            )
        yield


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(
        path, "w", zipfile.ZIP_DEFLATED, allowZip64=True, compresslevel=COMPRESSION
    ) as archive:
        yield archive
        archive.comment = b"0" * packs.DIGITS


def _close(path: Path) -> str:
    """Put the SHA-256 of all bytes before it into the archive's comment."""
    whole, left = hashlib.sha256(), path.stat().st_size - packs.DIGITS
    with open(path, "r+b") as file:
        while left:
            block = file.read(min(HASH_BLOCK_BYTES, left))
            whole.update(block)
            left -= len(block)
        file.seek(-packs.DIGITS, os.SEEK_END)
        file.write(whole.hexdigest().encode())
        file.flush()
        os.fsync(file.fileno())
    return whole.hexdigest()
