"""Auditor's packs for the bureau's pages: asked for by a person, written by a worker, fetched.

What there is stands in one directory that web servers and workers share, as file names:

    CAMPAIGN-20261128T101500Z.zip.asked      waits for a worker
    CAMPAIGN-20261128T101500Z.zip.progress   is being written; holds files and rows so far
    CAMPAIGN-20261128T101500Z.zip            is whole

Taking one up is a rename, so two workers never write the same. A worker that dies leaves its file
of progress behind: the pack is shown as stopped, and another may be asked for.
"""

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from django.contrib.auth.models import User
from django.utils.translation import gettext_noop as _

from vouchers.models import Campaign
from vouchers.services.history import note
from vouchers.services.proofs.pack import Progress, export_pack
from vouchers.services.proofs.seals import seal_whole
from vouchers.services.roles import require_permission

SEE: Final = "vouchers.view_auditreport"
"""The permission to ask for packs and to fetch them."""
KEPT: Final = 5
"""Packs of a campaign; those before them are removed when another is whole."""
STOPPED_AFTER: Final = timedelta(minutes=10)
"""Without a sign of life; the longest statement of a pack takes less."""
PROGRESS_EVERY_S: Final = 0.5
DIGEST_DIGITS: Final = 64
_INSTANT: Final = "%Y%m%dT%H%M%SZ"
_NAME: Final = re.compile(r"(?P<code>[\w-]+)-(?P<asked>\d{8}T\d{6}Z)\.zip(?P<stage>\.\w+)?")
_ASKED, _PROGRESS = ".asked", ".progress"


class PackState(StrEnum):
    """How far a pack is."""

    WAITING = "waiting"
    WRITING = "writing"
    STOPPED = "stopped"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class PackFile:
    """A pack as its page shows it. `files` and `rows` are written so far, `sha256` is of a whole
    one."""

    name: str
    asked_at: datetime
    state: PackState
    files: int = 0
    rows: int = 0
    size_bytes: int = 0
    sha256: str = ""

    @property
    def is_under_way(self) -> bool:
        """Whether the pack waits for a worker or is being written."""
        return self.state in (PackState.WAITING, PackState.WRITING)


def ask_for_pack(*, campaign: Campaign, directory: Path, by: User, at: datetime) -> str:
    """The name of the pack that is to be written, or is under way; noted in the campaign's history.

    Refuses `not_permitted`. Raises OSError.
    """
    require_permission(by, SEE, at=at)
    for pack in packs_of(campaign=campaign, directory=directory, at=at):
        if pack.is_under_way:
            return pack.name
    name = f"{campaign.code}-{at.astimezone(UTC):{_INSTANT}}.zip"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}{_ASKED}").touch()
    note(campaign, by=by, what=_("auditor's pack %(pack)s asked for"), at=at, pack=name)
    return name


def write_pack(*, campaign_id: int, name: str, directory: Path, at: datetime) -> None:
    """Write a pack that was asked for; one that another worker took up is left to it."""
    progress = directory / f"{name}{_PROGRESS}"
    try:
        os.rename(directory / f"{name}{_ASKED}", progress)
    except FileNotFoundError:
        return
    campaign = Campaign.objects.get(pk=campaign_id)
    seal_whole(campaign=campaign, at=at)
    export_pack(
        campaign=campaign, path=directory / name, at=at, progress=_progress_writer(progress)
    )
    progress.unlink()
    whole = [pack for pack in _found(campaign, directory, at) if pack.state is PackState.DONE]
    for pack in whole[KEPT:]:
        (directory / pack.name).unlink(missing_ok=True)


def packs_of(*, campaign: Campaign, directory: Path, at: datetime) -> list[PackFile]:
    """The packs of a campaign, the newest first."""
    return list(_found(campaign, directory, at))


def _progress_writer(path: Path) -> Progress:
    """A callback that writes a pack's figures so far into its progress file, at most twice a
    second."""
    rows_of: dict[str, int] = {}
    written_s = 0.0

    def write(name: str, rows: int) -> None:
        nonlocal written_s
        rows_of[name] = rows_of.get(name, 0) + rows
        if time.monotonic() - written_s >= PROGRESS_EVERY_S:
            written_s = time.monotonic()
            draft = path.with_suffix(".progress-draft")
            draft.write_text(json.dumps({"files": len(rows_of), "rows": sum(rows_of.values())}))
            os.replace(draft, path)

    return write


def _found(campaign: Campaign, directory: Path, at: datetime) -> Iterator[PackFile]:
    names = sorted(os.listdir(directory), reverse=True) if directory.is_dir() else []
    for file in names:
        parts = _NAME.fullmatch(file)
        if parts is not None and parts["code"] == campaign.code:
            asked_at = datetime.strptime(parts["asked"], _INSTANT).replace(tzinfo=UTC)
            pack = _read(directory / file, parts["stage"], asked_at, at)
            if pack is not None:
                yield pack


def _read(path: Path, stage: str | None, asked_at: datetime, at: datetime) -> PackFile | None:
    """None for a file of another kind, or one that has just become the next."""
    name = path.name.removesuffix(stage or "")
    try:
        seen = path.stat()
        is_alive = at - datetime.fromtimestamp(seen.st_mtime, UTC) < STOPPED_AFTER
        if stage == _ASKED:
            state = PackState.WAITING if is_alive else PackState.STOPPED
            return PackFile(name, asked_at, state)
        if stage == _PROGRESS:
            state = PackState.WRITING if is_alive else PackState.STOPPED
            return PackFile(name, asked_at, state, **json.loads(path.read_text() or "{}"))
        if stage is None:
            return PackFile(
                name, asked_at, PackState.DONE, size_bytes=seen.st_size, sha256=_digest(path)
            )
    except FileNotFoundError:
        pass
    return None


def _digest(path: Path) -> str:
    """The SHA-256 that a pack ends with."""
    with open(path, "rb") as file:
        file.seek(-DIGEST_DIGITS, os.SEEK_END)
        return file.read().decode("ascii")
