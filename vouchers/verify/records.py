"""What people did: cases are their signals, and the set-up is what its changes have made it."""

from collections import Counter
from collections.abc import Container, Iterator, Mapping
from typing import Final

from vouchers.verify.archive import Archive, Row
from vouchers.verify.faults import Fault

SUBJECT: Final = ("kind", "subject", "resident", "place", "link")
"""What the signals of a case have in common."""
OPEN: Final = "open"

Columns = Mapping[str, str]
Standing = dict[tuple[str, int], Row]
"""By table and number of the row: its values by column."""

STANDS: Final[Mapping[str, tuple[str, Columns]]] = {
    "campaign": (
        "vouchers_campaign",
        {
            name: name
            for name in (
                "code", "name", "organiser", "operator", "zone", "validity_s", "radius_m",
                "currency", "refund_policy", "authorise_ttl_s", "is_test", "state",
            )
        }
        | {"terms": "terms_id"},
    ),
    "sources": (
        "vouchers_fundingsource",
        {name: name for name in ("code", "name", "appropriated_fen")},
    ),
    "tiers": (
        "vouchers_tier",
        {
            name: name
            for name in (
                "code", "name", "kind", "face_fen", "threshold_fen", "threshold_basis",
                "percent_bp", "per_resident",
            )
        },
    ),
    "rounds": ("vouchers_round", {"number": "number", "way": "way"}),
    "cells": ("vouchers_quotacell", {"cap_fen": "cap_fen", "cap_count": "cap_count"}),
    "participations": (
        "vouchers_campaignstore",
        {"store": "store_id", "category": "category", "radius_m": "radius_m"},
    ),
    "merchants": ("merchants_merchant", {name: name for name in ("code", "name", "state")}),
    "stores": (
        "merchants_store",
        {name: name for name in ("name", "category", "state")}
        | {"store_no": "external_id", "merchant": "merchant_id", "district": "district_id"},
    ),
    "store_locations": ("merchants_storelocation", {"store": "store_id", "version": "version"}),
}  # fmt: skip
"""By file the table it was read from, and the columns to compare, by their names in the file.
Instants and lists are written in another way in the history."""


def check_cases(archive: Archive) -> Iterator[Fault]:
    """A case is about what its signals are about, which were of live rules and are in no other; it
    counts them, and who decided it gave a reason and did it after it was opened."""
    people = {row["username"] for row in archive.rows("users")}
    cases = {row["id"]: row for row in archive.rows("cases")}
    members: Counter[int] = Counter()
    yield from _check_members(archive, cases, members)
    acts: Counter[int] = Counter()
    for row in archive.rows("case_acts"):
        acts[row["case"]] += 1
    for row in archive.rows("cases"):
        counted = members[row["id"]]
        if counted != row["signal_count"]:
            yield archive.fault(
                f"counts {row['signal_count']} signals, not {counted}",
                f"计信号 {row['signal_count']} 条，应为 {counted} 条",
            )
        if acts[row["id"]] < row["act_count"]:
            yield archive.fault("an act on it is missing", "缺少处置记录")
        yield from _check_decision(archive, row, people)


def _check_members(
    archive: Archive, cases: Mapping[int, Row], members: Counter[int]
) -> Iterator[Fault]:
    """Which signals a case has; counts them."""
    signals = {row["id"]: row for row in archive.rows("signals")}
    for row in archive.rows("case_signals"):
        case, signal = cases.get(row["case"]), signals.pop(row["signal"], None)
        if case is None or signal is None:
            yield archive.fault(
                "joins no case, no signal, or one of another case", "核查单或信号不存在，或重复归单"
            )
            continue
        members[row["case"]] += 1
        if any(case[name] != signal[name] for name in SUBJECT):
            yield archive.fault("is about something else", "信号与核查单对象不符")
        if signal["setting"] != "live":
            yield archive.fault("is of a rule that was not in force", "信号并非生效规则所发")


def _check_decision(archive: Archive, row: Row, people: Container[str]) -> Iterator[Fault]:
    if row["state"] == OPEN:
        if row["decided_at"] or row["decided_by"] or row["reason"]:
            yield archive.fault("is open and decided", "未结却有结论")
        return
    if row["decided_by"] not in people or not row["reason"]:
        yield archive.fault("was decided by nobody, or without a reason", "结论无人或无理由")
    if not row["decided_at"] or row["decided_at"] < row["opened_at"]:
        yield archive.fault("was decided before it was opened", "结论早于立单")


def check_setup(archive: Archive) -> Iterator[Fault]:
    """Every change begins with what the one before it left, and the last ones left what stands."""
    stands: Standing = {}
    for row in archive.rows("setup_changes"):
        if words := _change(stands, row):
            yield archive.fault(*words)
    for name, (table, columns) in STANDS.items():
        for row in archive.rows(name):
            known = stands.pop((table, row["id"]), None)
            if known is None:
                yield archive.fault("was added by no change", "无新增记录")
            elif any(row[column] != known[kept] for column, kept in columns.items()):
                yield archive.fault("is not what its changes made it", "与变更记录的结果不符")
    compared = {table for table, _columns in STANDS.values()}
    for table, number in stands:
        if table in compared:
            yield Fault(
                "setup_changes.jsonl",
                None,
                f"{table} {number} was never taken out, but is not there",
                f"{table} {number} 未被删除却不存在",
            )


def _change(stands: Standing, row: Row) -> tuple[str, str] | None:
    """Apply a change to what stands; the words for one that does not fit."""
    key = (row["table"], row["row"])
    known = stands.get(key)
    if (row["operation"] == "insert") != (known is None):
        return "adds what is there, or changes what is not", "变更与此前状态矛盾"
    if known is None:
        stands[key] = dict(row["after"])
        return None
    is_next = all(known.get(name) == value for name, value in row["before"].items())
    if row["operation"] == "delete":
        del stands[key]
    else:
        known |= row["after"]
    if is_next:
        return None
    return "does not begin with what was left", "变更前的值与上一次变更后不符"
