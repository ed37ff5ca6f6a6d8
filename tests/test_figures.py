"""Figures are well-formed SVG whose lengths are their numbers."""

from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from vouchers.figures import (
    WIDTH,
    Band,
    Item,
    Shape,
    Spot,
    Words,
    area_map,
    band_line,
    bars,
    data_table,
    spark_line,
    stacked_bar,
    step_line,
)

SVG = "{http://www.w3.org/2000/svg}"
WORDS = Words("钱 <where> & when", "A budget of ¥10.00", ("account", "fen"), "numbers")
SQUARE = {
    "type": "Polygon",
    "coordinates": [[[121, 31], [122, 31], [122, 32], [121, 32], [121, 31]]],
}
IDENTITY = [
    Item("free", 333, "¥3.33", "free"),
    Item("reserved", 0, "¥0.00", "reserved"),
    Item("payable", 667, "¥6.67", "payable"),
    Item("settled", 123_456_789, "¥1,234,567.89", "settled"),
]


def parsed(figure: str) -> ElementTree.Element:
    """The drawing of a figure, which is XML as a whole."""
    root = ElementTree.fromstring(figure)
    found = root if root.tag == f"{SVG}svg" else root.find(f"{SVG}svg")
    assert found is not None
    return found


def widths(svg: ElementTree.Element, kind: str) -> list[float]:
    rows = svg.iter(f"{SVG}rect")
    return [float(row.attrib["width"]) for row in rows if row.attrib["class"] == f"fig-{kind}"]


def test_the_parts_of_the_identity_are_as_wide_as_their_money_and_fill_the_bar() -> None:
    svg = parsed(stacked_bar("identity", WORDS, IDENTITY))
    whole = sum(item.value for item in IDENTITY)
    found = [sum(widths(svg, item.kind)) for item in IDENTITY]
    assert found == pytest.approx([WIDTH * item.value / whole for item in IDENTITY], abs=0.002)
    assert sum(found) == pytest.approx(WIDTH, abs=0.005)


def test_an_empty_budget_is_an_empty_bar() -> None:
    svg = parsed(stacked_bar("identity", WORDS, [Item("free", 0, "¥0.00", "free")]))
    assert list(svg.iter(f"{SVG}rect")) == []


@pytest.mark.parametrize(
    "figure",
    [
        stacked_bar("one", WORDS, IDENTITY),
        step_line("one", WORDS, IDENTITY),
        step_line("one", WORDS, []),
        bars("one", WORDS, IDENTITY),
        bars("one", WORDS, []),
        spark_line("one", WORDS, [0, 3, 1]),
        spark_line("one", WORDS, []),
        area_map("one", WORDS, [Shape("区", SQUARE, 0.5)], [Spot("店", 121.5, 31.5, 1)]),
    ],
)
def test_a_figure_has_a_title_a_description_and_no_style_of_its_own(figure: str) -> None:
    svg = parsed(figure)
    assert svg.attrib["role"] == "img"
    assert svg.attrib["viewBox"].startswith(f"0 0 {WIDTH} ")
    assert svg.findtext(f"{SVG}title") == WORDS.title
    assert svg.findtext(f"{SVG}desc") == WORDS.description
    assert "style=" not in figure
    HTMLParser().feed(figure)


def test_the_numbers_stand_in_a_table_beneath() -> None:
    root = ElementTree.fromstring(bars("one", WORDS, IDENTITY))
    texts = [cell.text for cell in root.iter("td")]
    assert texts == [item.text for item in IDENTITY]
    assert root.findtext("details/summary") == WORDS.numbers


def test_bars_are_as_long_as_their_numbers() -> None:
    svg = parsed(bars("one", WORDS, [Item("a", 50, "50"), Item("b", 100, "100")]))
    short, long = widths(svg, "count")
    assert short * 2 == pytest.approx(long)


def test_a_step_line_holds_each_value_to_the_next() -> None:
    svg = parsed(step_line("one", WORDS, [Item("a", 1, "1"), Item("b", 2, "2")], height=126))
    line = next(path for path in svg.iter(f"{SVG}path") if path.attrib["class"] == "fig-line")
    assert line.attrib["d"] == "M0.0 54.0H500.0V8.0H1000.0"


def test_a_map_has_the_north_above_and_the_east_to_the_right() -> None:
    spots = [Spot("north-east", 122, 32, 0), Spot("south-west", 121, 31, 0)]
    svg = parsed(area_map("one", WORDS, [Shape("区", SQUARE, None)], spots))
    place = {
        circle.findtext(f"{SVG}title"): (int(circle.attrib["cx"]), int(circle.attrib["cy"]))
        for circle in svg.iter(f"{SVG}circle")
    }
    north_east, south_west = place["north-east"], place["south-west"]
    assert north_east[0] > south_west[0]
    assert north_east[1] < south_west[1]


def test_a_map_of_nothing_is_nothing() -> None:
    assert area_map("one", WORDS, [], []) == ""


def test_texts_are_escaped() -> None:
    assert "<b>" not in data_table(["<b>"], [["<b>", "<b>"]])


def test_a_line_lies_in_its_band_and_its_numbers_are_a_table() -> None:
    bands = [Band("1 May", 0, 5, 10), Band("2 May", 0, 0, 5), Band("<3> May", 0, 0, 0)]
    figure = band_line("burn", WORDS, bands, "¥10", [("1 May", "0", "5", "10")])
    svg = parsed(figure)
    (area,) = svg.iter(f"{SVG}polygon")
    (line,) = svg.iter(f"{SVG}polyline")
    edge = [tuple(map(float, point.split(","))) for point in area.attrib["points"].split()]
    middle = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    assert [x for x, _ in middle] == [0, WIDTH / 2, WIDTH]
    for (x, y), (high, low) in zip(middle, zip(edge[:3], edge[:2:-1], strict=True), strict=True):
        assert high[0] == low[0] == x
        assert high[1] <= y <= low[1]
    assert "&lt;3&gt; May" in figure
    assert "<td>10</td>" in figure
