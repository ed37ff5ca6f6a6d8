"""Which zones a campaign may have."""

import pytest

from vouchers.rules.campaigns.zones import known_zones


@pytest.mark.parametrize("name", ["Asia/Shanghai", "Asia/Urumqi", "UTC"])
def test_a_zone_of_this_machine_is_known(name: str) -> None:
    assert name in known_zones()


@pytest.mark.parametrize("name", ["", "Asia", "Asia/Atlantis", "../etc/passwd", "asia/shanghai"])
def test_what_names_no_zone_is_not(name: str) -> None:
    assert name not in known_zones()
