"""The verifier run on a pack, and the packs it is run on."""

import io
import json
from pathlib import Path

from tests.support.packs import (
    read_rows,
)
from vouchers.verify.__main__ import main


def said(path: Path, *options: str) -> tuple[int, str]:
    """Exit code and output."""
    out = io.StringIO()
    return main([str(path), *options], out), out.getvalue()


def anchor_line(path: Path) -> str:
    """What was sent of a pack's last seal."""
    rows = read_rows(path)
    seal = rows["seals"][-1]
    campaign = rows["campaign"][0]["code"]
    named = {"campaign": campaign, "cell": "main", "day": "2026-04-01"}
    return json.dumps({**named, **{name: seal[name] for name in ("number", "sha256", "until_xid")}})
