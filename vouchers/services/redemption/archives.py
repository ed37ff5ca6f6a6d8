"""Old answered requests moved out of the database, into files with their hash.

A city answers ten million requests a day, and a till asks again within hours. What an answer did
stays: redemptions, order claims, refund numbers and the journal are never moved.
"""

import gzip
import hashlib
import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import psycopg
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min

from vouchers.models import Campaign, RequestArchive
from vouchers.models.locks import OWN_ARCHIVING
from vouchers.models.redemption.requests import DROP_ARCHIVED, READ_REQUESTS
from vouchers.sql.pipeline import raw_connection
from vouchers.sql.streams import Row, stream
from vouchers.states import CampaignState

COMPRESSION: Final = 6

_encode = msgspec.json.Encoder(order="sorted").encode


def archive_requests(
    *, at: datetime, retention: timedelta, directory: Path
) -> RequestArchive | None:
    """Move the requests older than `retention`, and than every campaign that is not closed, into a
    gzip file of JSON lines in `directory`; None when there are none. Test campaigns keep nothing
    back.

    The file is on disk, under its final name, before the transaction that takes the rows out
    commits; a file without its row in `RequestArchive` is written again by the next call.
    Raises OSError; the database refuses a retention below `MIN_RETENTION`.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with transaction.atomic(), connection.wrap_database_errors:
        raw = raw_connection()
        OWN_ARCHIVING.send(raw, {}).rows()
        before_at = _before(at - retention)
        # Its file has the name that this one would get.
        if RequestArchive.objects.filter(before_at__gte=before_at).exists():
            return None
        path = directory / f"requests-{settings.HUIMIN_CELL}-{before_at:%Y%m%dT%H%M%S.%fZ}.jsonl.gz"
        count = _write(raw, path, before_at)
        if not count:
            path.unlink()
            return None
        archive = RequestArchive.objects.create(
            before_at=before_at,
            name=path.name,
            row_count=count,
            sha256=_sha256(path),
            archived_at=at,
        )
        # Refuses when it finds other rows than were written.
        DROP_ARCHIVED.send(raw, {"archive_id": archive.pk}).rows()
    return archive


def _before(limit: datetime) -> datetime:
    over = [CampaignState.DRAFT, CampaignState.CLOSED]
    living = Campaign.objects.filter(is_test=False).exclude(state__in=over)
    began_at = living.aggregate(at=Min("starts_at"))["at"]
    return limit if began_at is None else min(limit, began_at)


def _write(raw: psycopg.Connection[Any], path: Path, before_at: datetime) -> int:
    """The number of requests written; the file is durable under `path`."""
    draft, count = path.with_name(f"{path.name}.part"), 0
    try:
        with open(draft, "wb") as file:
            with gzip.GzipFile("", "wb", COMPRESSION, file, mtime=0) as out:
                for block in stream(raw, READ_REQUESTS, {"before_at": before_at}):
                    out.writelines(_lines(block))
                    count += len(block)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return count


def _lines(block: Sequence[Row]) -> Iterator[bytes]:
    for created_at, caller_id, key, fingerprint, status, answer in block:
        yield (
            _encode(
                {
                    "created_at": created_at,
                    "caller": caller_id,
                    "key": key,
                    "fingerprint": bytes(fingerprint).hex(),
                    "status": status,
                    "answer": bytes(answer).hex(),
                }
            )
            + b"\n"
        )


def _sha256(path: Path) -> bytes:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
