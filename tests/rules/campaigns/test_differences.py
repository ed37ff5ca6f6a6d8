"""What differs between two documents of terms."""

from typing import Any

from vouchers.rules.campaigns.declaration import CAMPAIGN, PARTS
from vouchers.rules.campaigns.differences import differences

BEFORE: dict[str, Any] = {
    "campaign": {option.name: None for option in CAMPAIGN} | {"radius_m": 3_000},
    **{part.name: [] for part in PARTS},
    "tiers": [{"code": "off20", "face_fen": 2_000}, {"code": "off50", "face_fen": 5_000}],
    "cells": [{"slice": {"tier": "off20"}, "cap_count": 7, "cap_fen": None}],
}


def test_the_same_terms_do_not_differ() -> None:
    found = differences(BEFORE, BEFORE)
    assert (found.options, found.parts) == ((), ())


def test_options_are_named_with_both_values() -> None:
    after = {**BEFORE, "campaign": {**BEFORE["campaign"], "radius_m": 5_000}}
    (changed,) = differences(BEFORE, after).options
    assert (changed.option.name, changed.before, changed.after) == ("radius_m", 3_000, 5_000)


def test_a_row_is_found_again_by_what_names_it() -> None:
    after = {
        **BEFORE,
        "tiers": [{"code": "off90", "face_fen": 9_000}, {"code": "off20", "face_fen": 2_500}],
        "cells": [{"slice": {"tier": "off20"}, "cap_count": 8, "cap_fen": None}],
    }
    tiers, cells = differences(BEFORE, after).parts
    assert [
        (row.before and row.before["code"], row.after and row.after["code"]) for row in tiers.rows
    ] == [
        ("off20", "off20"),
        ("off50", None),
        (None, "off90"),
    ]
    assert [(one.option.name, one.after) for one in tiers.rows[0].changed] == [("face_fen", 2_500)]
    assert [(one.before, one.after) for one in cells.rows[0].changed] == [(7, 8)]


def test_every_part_names_its_rows_by_options_of_its_own() -> None:
    for part in PARTS:
        assert set(part.identity) <= {option.name for option in part.options}, part.name
