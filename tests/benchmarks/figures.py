"""Figures: what was measured against what, with its ratio, kept as JSON from run to run."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any, NamedTuple


class Figure(NamedTuple):
    """A measured value beside what it is measured against, in one unit.

    `ratio` is the median of the rounds' ratios, each from runs side by side; `low` and `high` are
    the least and the greatest of them.
    """

    value: float
    unit: str
    against: float
    ratio: float
    low: float
    high: float
    goal: str = ""


def paired(
    values: Sequence[float], against: Sequence[float], *, unit: str, goal: str = ""
) -> Figure:
    """A figure from rounds in which both were measured one after the other."""
    ratios = [value / other for value, other in zip(values, against, strict=True)]
    return Figure(
        median(values), unit, median(against), median(ratios), min(ratios), max(ratios), goal
    )


def under(values: Sequence[float], limit: float, *, unit: str, goal: str = "") -> Figure:
    """A figure against a fixed limit; the ratio is the part of the limit that is used."""
    return paired(values, [limit] * len(values), unit=unit, goal=goal)


def merge(
    path: Path,
    figures: Mapping[str, Figure],
    reports: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> None:
    """Write figures, and reports in words and numbers, to the file; those of other names that it
    holds stay."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = {name: _rounded(figure) for name, figure in figures.items()}
    text = json.dumps({**known, **fresh, **reports}, indent=2, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _rounded(figure: Figure) -> dict[str, float | str]:
    fields = {k: v for k, v in figure._asdict().items() if k not in {"low", "high", "goal"}}
    return {k: v if isinstance(v, str) else float(f"{v:.4g}") for k, v in fields.items()}
