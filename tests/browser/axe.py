"""axe-core on a page: what it finds serious, but for what is known of the admin's own theme."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page

SOURCE = Path(__file__).parent / "vendor" / "axe-core-4.11.4" / "axe.min.js"
TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
GRAVE: Final = {"serious", "critical"}
# Evaluated by the debugger's protocol: the pages' policy stays as it is.
RUN: Final = """
async tags => {
  const options = {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]};
  return (await axe.run(document, options)).violations;
}
"""

OF_THE_THEME: Final[Mapping[tuple[str, str], str]] = {
    ("target-size", "#searchbar-submit"): "the lens has 18 px; Enter in its field does the same",
    ("color-contrast", 'hx-select="#dialog"'): "acts are white on orange or green, 3.2 to 1",
}
"""(rule, part of a selector or of the element): what it is; Unfold 0.91 has it so."""


@cache
def _source() -> str:
    return SOURCE.read_text(encoding="utf-8")


def grave_faults(page: Page) -> list[str]:
    """`rule selector element` of everything serious or critical that is ours."""
    page.evaluate(_source())
    found: list[dict[str, Any]] = page.evaluate(RUN, TAGS)
    return [
        f"{fault['id']} {' '.join(map(str, node['target']))} {node['html'][:200]}"
        for fault in found
        if fault["impact"] in GRAVE
        for node in fault["nodes"]
        if not _is_known(fault["id"], node)
    ]


def _is_known(rule: str, node: dict[str, Any]) -> bool:
    where = f"{' '.join(map(str, node['target']))} {node['html']}"
    return any(rule == known and part in where for known, part in OF_THE_THEME)
