"""The last whole run of `make mutations`, which keeps it in `docs/mutations.json`."""

import json
from pathlib import Path
from typing import Any

from docs.generated.invariants import INVARIANTS
from docs.generated.language import Language, pick
from docs.generated.markdown import code, table

KEPT = Path(__file__).resolve().parent.parent / "mutations.json"


def kept() -> dict[str, Any]:
    """The run as it was written."""
    document: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))
    return document


def mutations(language: Language) -> str:
    """How many there were, then a section for each invariant."""
    document = kept()
    counts = {name: count for name, count in document["counts"].items() if count}
    summary = pick(
        language,
        f"{len(document['mutations'])} mutations in {document['took_s']} s: "
        + ", ".join(f"{count} {name}" for name, count in counts.items()),
        f"共 {len(document['mutations'])} 个变异，耗时 {document['took_s']} 秒："
        + "，".join(f"{name} {count}" for name, count in counts.items()),
    )
    sections = [
        _section(number, document["mutations"], language)
        for number in range(1, len(INVARIANTS) + 1)
    ]
    return "\n".join([f"{summary}.", "", *sections])


def _section(number: int, items: list[dict[str, Any]], language: Language) -> str:
    invariant = INVARIANTS[number - 1]
    heads = pick(language, "what was broken|outcome|test that failed", "破坏的内容|结果|失败的测试")
    rows = [
        (it["broken"], it["outcome"], code(it["test"].removeprefix("tests/").split("[")[0]))
        for it in items
        if it["invariant"] == number
    ]
    title = pick(language, invariant.en, invariant.zh)
    return f"## {number}. {title}\n\n" + table(heads.split("|"), rows)
