"""A scanner of Code 128 symbols of digits, as far as a test needs one: it measures the SVG image.

Its table is apart from the encoder's and of another notation: eleven modules as one number, a bar's
are ones. ZXing reads symbols of both.
"""

import re

QUIET = 10
CHARACTER = 11
START_C = 105
STOP = "1100011101011"
TABLE = (
    "6cc 66c 666 498 48c 44c 4c8 4c4 464 648 644 624 59c 4dc 4ce 5cc 4ec 4e6 672 65c 64e 6e4 "
    "674 76e 74c 72c 726 764 734 732 6d8 6c6 636 518 458 446 588 468 462 688 628 622 5b8 58e "
    "46e 5d8 5c6 476 776 68e 62e 6e8 6e2 6ee 758 746 716 768 762 71a 77a 642 78a 530 50c 4b0 "
    "486 42c 426 590 584 4d0 4c2 434 432 612 650 7ba 614 47a 53c 4bc 49e 5e4 4f4 4f2 7a4 794 "
    "792 6de 6f6 7b6 578 51e 45e 5e8 5e2 7a8 7a2 5de 5ee 75e 7ae 684 690 69c"
)
VALUES = {f"{int(modules, 16):011b}": value for value, modules in enumerate(TABLE.split())}


def read_code128(svg: str) -> str:
    """The digits that a scanner reads of the image. Raises AssertionError for what none reads."""
    row = modules(svg)
    assert row[:QUIET] == row[-QUIET:] == "0" * QUIET, "without its quiet zones"
    bars = row[QUIET:-QUIET]
    assert bars.endswith(STOP), "without a stop"
    characters = re.findall("." * CHARACTER, bars.removesuffix(STOP))
    start, *pairs, check = (VALUES[character] for character in characters)
    weighted = start + sum(place * value for place, value in enumerate(pairs, start=1))
    assert (start, check) == (START_C, weighted % 103), "another code set, or misread"
    return "".join(f"{value:02d}" for value in pairs)


def modules(svg: str) -> str:
    """The image from left to right: 1 for a module of a bar, 0 for one of a space."""
    view = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    path = re.search(r'stroke-width="(\d+)" d="M(\d+) (\d+)((?:h\d+|m\d+ 0)+)"', svg)
    assert view, svg
    assert path, svg
    width, height = map(int, view.groups())
    assert (int(path[1]), 2 * int(path[3])) == (height, height), "bars are not of full height"
    row = "0" * int(path[2])
    for step, length in re.findall(r"([hm])(\d+)", path[4]):
        row += ("1" if step == "h" else "0") * int(length)
    return row.ljust(width, "0")
