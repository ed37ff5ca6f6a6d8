"""Rows for COPY … (FORMAT BINARY), made from numpy columns without a loop over rows.

Layout: PostgreSQL documentation, COPY, "Binary Format": per row the number of fields (int16), per
field its length (int32) and its bytes, everything big-endian.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"


def binary_rows(columns: Sequence[NDArray[Any]]) -> bytes:
    """Columns of one length, none with NULLs: integers and floats of the column's own width, or
    fixed-width byte strings (`S`, `V`) for text and bytea."""
    layout: list[tuple[str, Any]] = [("fields", ">i2")]
    for number, column in enumerate(columns):
        layout += [(f"size{number}", ">i4"), (f"value{number}", column.dtype.newbyteorder(">"))]
    rows = np.empty(columns[0].size, dtype=layout)
    rows["fields"] = len(columns)
    for number, column in enumerate(columns):
        rows[f"size{number}"] = column.dtype.itemsize
        rows[f"value{number}"] = column
    return rows.tobytes()
