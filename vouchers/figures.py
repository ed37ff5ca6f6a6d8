"""Figures as SVG text: numbers in, markup out. The live screen, the report and the admin use them.

Every figure has a title and a description for screen readers, and its numbers as a table beneath.
Colours are classes of a style sheet that these pages carry; hatching tells neighbours apart on grey
paper. Nothing here is an inline style, so the strict policy of the pages holds.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import cos, radians
from typing import Any, Final

WIDTH: Final = 1_000
"""Of every figure, in units of its own; pages stretch it to the space there is."""
HATCHES: Final = ("", "M0 8 8 0", "M0 0 8 8", "M0 4H8", "M4 0V8")
LINE_HEIGHT: Final = 26
MAP_HEIGHT: Final = 700
MARGIN: Final = 20
"""Round a map, for the largest stores at its rim."""
NODE_HEIGHT: Final = 44
NODES_AT: Final = (240, 500, 760)
NODE_LABELS: Final = (
    ("count", -16, 5, "end"),
    ("store", 0, -13, "middle"),
    ("others", 16, 5, "start"),
)
"""Of a graph's columns: the class of a node, and where its label is set."""

Row = Sequence[str]
Ring = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Item:
    """A number to draw, as it is written out, and the class that colours it."""

    label: str
    value: float
    text: str
    kind: str = "count"


@dataclass(frozen=True, slots=True)
class Words:
    """What a figure says in words: its caption, a sentence for those who do not see it, and the
    heads of its table with the word that opens it."""

    title: str
    description: str
    heads: Row
    numbers: str


@dataclass(frozen=True, slots=True)
class Band:
    """A point of a line that is not certain: between `low` and `high`, most likely `middle`."""

    label: str
    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on a map; `weight` from 0 to 1 is its size."""

    label: str
    longitude_deg: float
    latitude_deg: float
    weight: float


@dataclass(frozen=True, slots=True)
class Shape:
    """An area on a map; `weight` from 0 to 1 is its shade, None where nothing may be shown."""

    label: str
    geometry: dict[str, Any]
    weight: float | None


@dataclass(frozen=True, slots=True)
class Tie:
    """A line of a graph from the left over the middle to the right; an empty label has no node."""

    left: str
    middle: str
    right: str
    weight: int


def stacked_bar(name: str, words: Words, items: Sequence[Item]) -> str:
    """One bar whose parts are `items` in order; their widths add up to the whole width."""
    whole = sum(item.value for item in items)
    parts, before = [], 0.0
    for number, item in enumerate(items):
        start = WIDTH * before / whole if whole else 0.0
        before += item.value
        end = WIDTH * before / whole if whole else 0.0
        if item.value <= 0:
            continue
        box = f'x="{start:.3f}" y="0" width="{end - start:.3f}" height="40"'
        label = f"<title>{escape(item.label)}: {escape(item.text)}</title>"
        parts.append(f'<rect class="fig-{item.kind}" {box}>{label}</rect>')
        if HATCHES[number % len(HATCHES)]:
            parts.append(
                f'<rect class="fig-hatch" fill="url(#{name}-{number % len(HATCHES)})" {box}/>'
            )
    patterns = "".join(
        f'<pattern id="{name}-{number}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<path d="{path}"/></pattern>'
        for number, path in enumerate(HATCHES)
        if path
    )
    drawn = _svg(name, words, 40, f"<defs>{patterns}</defs>{''.join(parts)}")
    return _figure(words, drawn, _rows(items), legend=[item for item in items if item.value > 0])


def step_line(name: str, words: Words, items: Sequence[Item], *, height: int = 180) -> str:
    """A line that keeps each value until the next, the last one to the right edge; from zero."""
    most = max((item.value for item in items), default=0) or 1
    step = WIDTH / max(len(items), 1)
    path: list[str] = []
    ground = height - LINE_HEIGHT
    for number, item in enumerate(items):
        y = ground - (ground - 8) * item.value / most
        path.append(f"{'V' if path else f'M{number * step:.1f} '}{y:.1f}H{(number + 1) * step:.1f}")
    line = "".join(path)
    area = f'<path class="fig-area" d="{line}V{ground}H0Z"/>' if line else ""
    ends = [(0, "start", items[0]), (WIDTH, "end", items[-1])] if items else []
    marks = "".join(
        f'<text x="{x}" y="{height - 6}" text-anchor="{anchor}">{escape(item.label)}</text>'
        for x, anchor, item in ends
    )
    drawn = f'{area}<path class="fig-line" d="{line or "M0 0"}"/>{_ground(ground)}{marks}'
    return _figure(words, _svg(name, words, height, drawn), _rows(items))


def band_line(
    name: str, words: Words, bands: Sequence[Band], most: str, rows: Sequence[Row]
) -> str:
    """A line with the band it may lie in, from zero; `most` is written at the height of the highest
    value. `rows` are the table beneath."""
    height, top = 280, max((band.high for band in bands), default=0) or 1
    ground, step = height - LINE_HEIGHT, WIDTH / max(len(bands) - 1, 1)

    def line(values: Iterable[tuple[int, float]]) -> str:
        return " ".join(f"{i * step:.1f},{ground - (ground - 24) * v / top:.1f}" for i, v in values)

    high = [(number, band.high) for number, band in enumerate(bands)]
    low = [(number, band.low) for number, band in enumerate(bands)]
    middle = [(number, band.middle) for number, band in enumerate(bands)]
    ends = [(0, "start", bands[0]), (WIDTH, "end", bands[-1])] if bands else []
    marks = "".join(
        f'<text x="{x}" y="{height - 6}" text-anchor="{anchor}">{escape(band.label)}</text>'
        for x, anchor, band in ends
    )
    drawn = (
        f'<polygon class="fig-area" points="{line([*high, *reversed(low)])}"/>'
        f'<polyline class="fig-line" points="{line(middle)}"/>{_ground(ground)}'
        f'<text x="0" y="14">{escape(most)}</text>{marks}'
    )
    return _figure(words, _svg(name, words, height, drawn), rows)


def bars(name: str, words: Words, items: Sequence[Item]) -> str:
    """A horizontal bar for each item, the longest being whole, with its label and its text."""
    most = max((item.value for item in items), default=0) or 1
    lines = []
    for number, item in enumerate(items):
        y, width = number * LINE_HEIGHT, 480 * item.value / most
        lines.append(
            f'<text x="280" y="{y + 18}" text-anchor="end">{escape(_short(item.label))}</text>'
            f'<rect class="fig-{item.kind}" x="290" y="{y + 5}" width="{width:.3f}" height="16"/>'
            f'<text x="{300 + width:.1f}" y="{y + 18}">{escape(item.text)}</text>'
        )
    height = max(len(items), 1) * LINE_HEIGHT
    return _figure(words, _svg(name, words, height, "".join(lines)), _rows(items))


def spark_line(name: str, words: Words, values: Sequence[float]) -> str:
    """A small line without axes, and without a table: the page writes its figures beside it."""
    most = max(values, default=0) or 1
    step = WIDTH / max(len(values) - 1, 1)
    points = " ".join(f"{i * step:.1f},{78 - 74 * v / most:.1f}" for i, v in enumerate(values))
    drawn = f'<polyline class="fig-line" points="{points}"/>{_ground(79)}'
    return _svg(name, words, 80, drawn, stretched=True)


def area_map(
    name: str,
    words: Words,
    shapes: Sequence[Shape],
    spots: Sequence[Spot],
    rows: Sequence[Row] = (),
) -> str:
    """Areas and places, north up: degrees of longitude are as long as they are at the middle.
    `rows` are the table beneath."""
    positions = [p for shape in shapes for ring in _rings(shape.geometry) for p in ring]
    positions += [(spot.longitude_deg, spot.latitude_deg) for spot in spots]
    if not positions:
        return ""
    west, east = min(p[0] for p in positions), max(p[0] for p in positions)
    south, north = min(p[1] for p in positions), max(p[1] for p in positions)
    narrow = cos(radians((south + north) / 2))
    wide, high = max((east - west) * narrow, 1e-9), max(north - south, 1e-9)
    scale = min((WIDTH - 2 * MARGIN) / wide, (MAP_HEIGHT - 2 * MARGIN) / high)
    left, height = (WIDTH - wide * scale) / 2, round(high * scale) + 2 * MARGIN

    def place(longitude_deg: float, latitude_deg: float) -> tuple[int, int]:
        x = left + (longitude_deg - west) * narrow * scale
        return round(x), round(MARGIN + (north - latitude_deg) * scale)

    drawn = []
    for shape in shapes:
        d = "".join(_path(place(*p[:2]) for p in ring) for ring in _rings(shape.geometry))
        kind = "unknown" if shape.weight is None else f"shade-{min(4, int(5 * shape.weight))}"
        label = f"<title>{escape(shape.label)}</title>"
        drawn.append(f'<path class="fig-{kind}" fill-rule="evenodd" d="{d}">{label}</path>')
    for spot in sorted(spots, key=lambda spot: -spot.weight):
        x, y = place(spot.longitude_deg, spot.latitude_deg)
        label = f"<title>{escape(spot.label)}</title>"
        drawn.append(
            f'<circle class="fig-store" cx="{x}" cy="{y}" r="{4 + 10 * spot.weight:.1f}">'
            f"{label}</circle>"
        )
    return _figure(words, _svg(name, words, height, "".join(drawn)), rows)


def link_graph(name: str, words: Words, ties: Sequence[Tie], rows: Sequence[Row]) -> str:
    """Who belongs to whom, in three columns of nodes in the order they come in `ties`; a line is
    the thicker, the more weight it has. `rows` are the table beneath."""
    columns = [
        list(dict.fromkeys(label for label in labels if label))
        for labels in (
            [tie.left for tie in ties],
            [tie.middle for tie in ties],
            [tie.right for tie in ties],
        )
    ]
    most_nodes = max((len(column) for column in columns), default=0)
    height = max(most_nodes, 1) * NODE_HEIGHT
    places = [
        {
            label: (x, round((number + 0.5) * height / len(column)))
            for number, label in enumerate(column)
        }
        for x, column in zip(NODES_AT, columns, strict=True)
    ]
    pairs: Counter[tuple[int, str, str]] = Counter()
    for tie in ties:
        pairs[0, tie.left, tie.middle] += tie.weight
        pairs[1, tie.middle, tie.right] += tie.weight
    most = max(pairs.values(), default=1)
    lines = []
    for (column, start, end), weight in pairs.items():
        if start and end:
            (x1, y1), (x2, y2) = places[column][start], places[column + 1][end]
            lines.append(
                f'<path class="fig-tie" stroke-width="{1 + 5 * weight / most:.1f}"'
                f' d="M{x1} {y1}L{x2} {y2}"/>'
            )
    nodes = [
        f'<circle class="fig-{kind}" cx="{x}" cy="{y}" r="7"/>'
        f'<text x="{x + dx}" y="{y + dy}" text-anchor="{anchor}">{escape(_short(label))}</text>'
        for places_, (kind, dx, dy, anchor) in zip(places, NODE_LABELS, strict=True)
        for label, (x, y) in places_.items()
    ]
    return _figure(words, _svg(name, words, height, "".join([*lines, *nodes])), rows)


def _path(points: Iterable[tuple[int, int]]) -> str:
    """A closed line; points that fall together when rounded are drawn once."""
    kept: list[tuple[int, int]] = []
    for point in points:
        if not kept or kept[-1] != point:
            kept.append(point)
    return "M" + "L".join(f"{x} {y}" for x, y in kept) + "Z"


def _rings(geometry: dict[str, Any]) -> Iterable[Ring]:
    """Of a GeoJSON Polygon or MultiPolygon."""
    coordinates = geometry["coordinates"]
    polygons = [coordinates] if geometry["type"] == "Polygon" else coordinates
    return [ring for polygon in polygons for ring in polygon]


def _svg(name: str, words: Words, height: int, inner: str, *, stretched: bool = False) -> str:
    ratio = ' preserveAspectRatio="none"' if stretched else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="fig" viewBox="0 0 {WIDTH} {height}"'
        f'{ratio} role="img" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{escape(words.title)}</title>'
        f'<desc id="{name}-d">{escape(words.description)}</desc>{inner}</svg>'
    )


def _figure(words: Words, drawn: str, rows: Sequence[Row], legend: Sequence[Item] = ()) -> str:
    """The drawing under its caption, then the legend and the numbers."""
    keys = "".join(
        f'<li><svg class="fig-key" viewBox="0 0 10 10" aria-hidden="true">'
        f'<rect class="fig-{item.kind}" width="10" height="10"/></svg>'
        f"{escape(item.label)} {escape(item.text)}</li>"
        for item in legend
    )
    listed = f'<ul class="fig-legend">{keys}</ul>' if keys else ""
    table = f"<details><summary>{escape(words.numbers)}</summary>{data_table(words.heads, rows)}"
    numbers = f"{table}</details>" if rows else ""
    caption = f"<figcaption>{escape(words.title)}</figcaption>"
    return f'<figure class="fig-figure">{caption}{drawn}{listed}{numbers}</figure>'


def data_table(heads: Row, rows: Sequence[Row]) -> str:
    """A table of texts; every column but the first is of figures."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(text)}</td>" for text in row[1:])
        + "</tr>"
        for row in rows
    )
    return f'<table class="fig-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _rows(items: Sequence[Item]) -> list[Row]:
    return [(item.label, item.text) for item in items]


def _ground(y: float) -> str:
    return f'<path class="fig-ground" d="M0 {y}H{WIDTH}"/>'


def _short(label: str, most: int = 26) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}…"
