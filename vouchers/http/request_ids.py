"""`X-Request-Id`: the caller's own, or a new one; echoed in every answer and written in logs."""

import re
import uuid
from typing import Final

HEADER: Final = "X-Request-Id"
_FORM: Final = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


def request_id(given: str | None) -> str:
    """What a request is called: what it says itself if that can be echoed and logged safely."""
    return given if given and _FORM.fullmatch(given) else str(uuid.uuid4())
