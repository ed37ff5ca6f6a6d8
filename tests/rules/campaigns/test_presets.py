"""Every preset is complete, in both languages, and its money is exact."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from vouchers.rules.campaigns.beginnings import document
from vouchers.rules.campaigns.declaration import OPTIONS, PARTS
from vouchers.rules.campaigns.presets import BY_KEY, PRESETS, Preset

START = datetime(2026, 4, 1, 2, tzinfo=UTC)
"""A Wednesday, 10:00 in Shanghai."""


def made(preset: Preset, *, starts_at: datetime = START, language: str = "zh") -> dict[str, Any]:
    return document(
        preset, code="c", name="n", starts_at=starts_at, is_test=False, language=language
    )


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_a_preset_spends_to_the_fen_what_its_sources_give(preset: Preset) -> None:
    terms = made(preset)
    for tier in terms["tiers"]:
        assert sum(tier["shares_fen"].values()) == tier["face_fen"]
    assert sum(source["appropriated_fen"] for source in terms["sources"]) == preset.planned_fen
    assert sum(source.percent for source in preset.sources) == 100


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_a_preset_names_only_what_is_declared(preset: Preset) -> None:
    terms = made(preset)
    declared = {part.name: {option.name for option in part.options} for part in PARTS}
    assert terms.pop("campaign").keys() <= OPTIONS.keys()
    for name, rows in terms.items():
        assert all(row.keys() == declared[name] for row in rows), name


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_a_preset_is_written_in_both_languages(preset: Preset) -> None:
    texts = (
        preset.title,
        preset.who,
        *preset.refusals,
        *(source.name for source in preset.sources),
    )
    for text in texts:
        assert text.en.isascii() or "“" in text.en
        assert any("一" <= sign <= "鿿" for sign in text.zh), text
        assert (text.of("en"), text.of("zh-hans")) == text


def test_the_scenarios_have_the_money_of_the_design() -> None:
    yuan = {key: preset.planned_fen // 100 for key, preset in BY_KEY.items()}
    assert yuan["radius-push"] == 500_000_000
    assert yuan["sports"] == 20_000_000
    assert yuan["dining"] == 144_000_000
    cells = [row for row in made(BY_KEY["dining"])["cells"] if "channel" in row["slice"]]
    assert [row["cap_count"] for row in cells] == [288_000] * 3


@pytest.mark.parametrize("days", range(7))
def test_rounds_begin_on_their_weekday_and_end_within_the_campaign(days: int) -> None:
    for preset in PRESETS:
        starts_at = START + timedelta(days=days, hours=3)
        terms = made(preset, starts_at=starts_at)
        opened = [datetime.fromisoformat(row["opens_at"]) for row in terms["rounds"]]
        if preset.rounds:
            assert {at.weekday() for at in opened} == {preset.rounds.weekday}
            assert {at.hour for at in opened} == {2}, "10:00 in Shanghai"
            assert opened[0] >= starts_at
            last = datetime.fromisoformat(terms["rounds"][-1]["closes_at"])
            assert last <= datetime.fromisoformat(terms["campaign"]["ends_at"])
