"""Code 128 symbols are read back by a scanner that measures the image."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.code128 import read_code128
from vouchers.http.code128 import CHARACTER_MODULES, PATHS, WIDTHS, code128_svg


@given(digits=st.from_regex(r"[79][0-9]{17}", fullmatch=True))
def test_a_scanner_reads_the_code(digits: str) -> None:
    assert read_code128(code128_svg(digits)) == digits


@pytest.mark.parametrize("start", range(0, 100, 9))
def test_a_scanner_reads_every_pair(start: int) -> None:
    digits = "".join(f"{pair % 100:02d}" for pair in range(start, start + 9))
    assert read_code128(code128_svg(digits)) == digits


def test_patterns_are_those_that_a_scanner_checks_itself() -> None:
    """Each of its own, eleven modules wide, an even number of them in bars."""
    assert len(set(WIDTHS)) == 107
    for widths in WIDTHS[:-1]:
        assert sum(map(int, widths)) == CHARACTER_MODULES
        assert sum(map(int, widths[::2])) % 2 == 0


def test_a_spoilt_symbol_is_not_read() -> None:
    """The control: two pairs exchanged are noticed by the check character."""
    image = code128_svg("712345678901234567")
    one, two = PATHS[71], PATHS[23]
    spoilt = image.replace(one + two, two + one)
    assert spoilt != image
    with pytest.raises(AssertionError, match="misread"):
        read_code128(spoilt)


def test_the_image_is_sharp_and_of_no_size() -> None:
    svg = ElementTree.fromstring(code128_svg("912345678901234567"))
    assert svg.attrib["shape-rendering"] == "crispEdges"
    assert svg.attrib["viewBox"] == "0 0 154 40"
    assert not {"width", "height"} & svg.attrib.keys()
