"""A file as an answer, of whatever size: it is sent in blocks, never held whole in memory."""

import asyncio
from collections.abc import AsyncIterator
from io import SEEK_END
from pathlib import Path
from typing import IO, Final

from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, HttpRequest, HttpResponseBase, StreamingHttpResponse

BLOCK_BYTES: Final = 1 << 20


def file_answer(request: HttpRequest, path: Path) -> HttpResponseBase:
    """The file to be kept under its name. Raises OSError."""
    content_type = "application/zip" if path.suffix == ".zip" else "application/octet-stream"
    return sent(request, path.open("rb"), name=path.name, content_type=content_type)


def sent(
    request: HttpRequest, file: IO[bytes], *, name: str, content_type: str
) -> HttpResponseBase:
    """An open file to be kept under a name; it is closed when it has been sent.

    Under ASGI Django would read what a `FileResponse` sends to its end before it sends anything.
    """
    if not isinstance(request, ASGIRequest):
        return FileResponse(file, as_attachment=True, filename=name, content_type=content_type)
    size = file.seek(0, SEEK_END)
    file.seek(0)
    return StreamingHttpResponse(
        _blocks(file),
        content_type=content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Length": str(size),
        },
    )


async def _blocks(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while block := await asyncio.to_thread(file.read, BLOCK_BYTES):
            yield block
