"""Environment variables that are wrong stop the program by name."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env

NAME = "HUIMIN_TILE_URL"
DATUMS = ("WGS-84", "GCJ-02")


@pytest.mark.parametrize(
    "url",
    [
        "https://tiles.example/{z}/{x}/{y}.png",
        "http://10.0.0.7:8080/t?x={x}&y={y}&z={z}",
        "/tiles/{z}/{x}/{y}.webp",
        "",
    ],
)
def test_tiles_lie_on_a_named_host_or_with_us(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv(NAME, url)
    assert env.tile_url(NAME) == url


@pytest.mark.parametrize(
    "url",
    [
        "https://tiles.example/{z}/{x}.png",
        "https://{s}.tiles.example/{z}/{x}/{y}.png",
        "https://tiles.example; script-src *//{z}/{x}/{y}",
        "https://*/{z}/{x}/{y}.png",
        "https://user@tiles.example/{z}/{x}/{y}.png",
        "javascript:alert(1)/{z}/{x}/{y}",
        "tiles/{z}/{x}/{y}.png",
        "//tiles.example/{z}/{x}/{y}.png",
    ],
)
def test_what_names_no_host_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv(NAME, url)
    with pytest.raises(ImproperlyConfigured, match=NAME):
        env.tile_url(NAME)


@pytest.mark.parametrize(("value", "needed"), [("", True), ("BD-09", False), ("gcj", True)])
def test_a_value_outside_the_choices_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str, needed: bool
) -> None:
    monkeypatch.setenv("HUIMIN_TILE_DATUM", value)
    with pytest.raises(ImproperlyConfigured, match="HUIMIN_TILE_DATUM"):
        env.choice("HUIMIN_TILE_DATUM", DATUMS, needed=needed)


def test_a_word_may_be_left_out_where_it_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUIMIN_TILE_DATUM", raising=False)
    assert env.choice("HUIMIN_TILE_DATUM", DATUMS, needed=False) == ""
    monkeypatch.setenv("HUIMIN_TILE_DATUM", "GCJ-02")
    assert env.choice("HUIMIN_TILE_DATUM", DATUMS, needed=True) == "GCJ-02"
