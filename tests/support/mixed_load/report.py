"""What a load proved, as numbers and sentences."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.mixed_load.checker import INVARIANTS, Finding
from tests.support.mixed_load.load import Load

SHOWN = 5


def report(load: Load, findings: list[Finding]) -> dict[str, Any]:
    """Plain values, for a file."""
    log, books = load.log, load.books
    broken = Counter(finding.invariant for finding in findings)
    return {
        "seconds": round(load.took_s, 1),
        "strikes": {
            each.what: f"at {each.at_s:.1f} s, {each.took_s:.1f} s" for each in load.strikes
        },
        "requests": log.sendings,
        "acts": len(log.entries),
        "acknowledged": sum(entry.is_yes for entry in log.entries),
        "acknowledged_by_kind": _sorted(Counter(e.kind.value for e in log.entries if e.is_yes)),
        "refusals_by_code": _sorted(Counter(e.code for e in log.entries if not e.is_yes)),
        "unknown_outcomes": _sorted(log.unknown),
        "unknown_outcomes_resolved": log.resolved,
        "asked_again": len(log.repeats),
        "redemptions_found": len(books.redemptions),
        "refunds_found": len(books.refunds),
        "claims_found": len(books.claims),
        "histories": len(log.histories),
        "invariants": {name: broken[name] for name in INVARIANTS},
        "audit": books.verdict or "proven",
    }


def sentences(said: Mapping[str, Any], findings: list[Finding]) -> Iterator[str]:
    """The report as lines to print, and the first findings."""
    for name, value in said.items():
        if isinstance(value, Mapping):
            value = ", ".join(f"{key}: {each}" for key, each in value.items()) or "none"
        yield f"{name.replace('_', ' ')}: {value}"
    for finding in findings[:SHOWN]:
        yield f"{finding.invariant}: {finding.what}"


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
