"""Numbers given by others: to orders, receipts, refunds, requests, devices, stores and residents.

One rule of form, at every door and in every file: printable ASCII characters without outer blanks.
Control, zero-width, full-width and composed characters are refused, since two texts that look alike
would be two numbers. Where something happens once under a number (order, refund, request) or is
counted by it (device), upper and lower case are one number: such numbers are compared `folded`.
All numbers are kept and shown as they were written.
"""

import re
from typing import Final

FORM: Final = r"^[!-~](?:[ -~]*[!-~])?$"
_FORM: Final = re.compile(FORM)

FORM_TEXT: Final = "a number has printable ASCII characters and no blank at either end"
FORM_TEXT_ZH: Final = "编号须为可见 ASCII 字符，首尾不得有空格"


def is_reference(text: str) -> bool:
    """Whether a text has the form of a number; an empty one has not."""
    return _FORM.fullmatch(text) is not None


def folded(reference: str) -> str:
    """What numbers are compared by: `A-1` and `a-1` are one."""
    return reference.upper()
