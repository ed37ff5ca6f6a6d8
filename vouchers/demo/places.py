"""Shanghai for the demo: its districts and where people live in them.

Adcodes and populations are those of the Seventh National Census (2020): 24,870,895 people. The
neighbourhoods are approximate centres of towns and quarters, in WGS-84.
"""

from typing import Final, NamedTuple

COSINE: Final = 0.855
"""Of the city's latitude; what is made up needs no better."""


class Quarter(NamedTuple):
    """Where people cluster: degrees, its share of the district, and how far it spreads."""

    longitude_deg: float
    latitude_deg: float
    share: float
    spread_m: float


class DistrictFacts(NamedTuple):
    """A district of the census."""

    adcode: int
    name: str
    population: int
    quarters: tuple[Quarter, ...]


def _quarters(*rows: tuple[float, float, float, float]) -> tuple[Quarter, ...]:
    return tuple(Quarter(lon, lat, share, km * 1000) for lon, lat, share, km in rows)


DISTRICTS: Final = (
    DistrictFacts(
        310101, "黄浦区", 662_030, _quarters((121.485, 31.230, 5, 1.0), (121.468, 31.213, 5, 1.1))
    ),
    DistrictFacts(
        310104,
        "徐汇区",
        1_113_078,
        _quarters((121.437, 31.195, 4, 1.3), (121.430, 31.165, 3, 1.5), (121.445, 31.130, 3, 1.6)),
    ),
    DistrictFacts(
        310105,
        "长宁区",
        693_051,
        _quarters((121.420, 31.218, 5, 1.4), (121.385, 31.215, 3, 1.5), (121.365, 31.200, 2, 1.4)),
    ),
    DistrictFacts(
        310106,
        "静安区",
        975_707,
        _quarters((121.450, 31.230, 3, 1.1), (121.455, 31.260, 3, 1.3), (121.445, 31.295, 4, 1.7)),
    ),
    DistrictFacts(
        310107,
        "普陀区",
        1_239_800,
        _quarters((121.415, 31.245, 4, 1.4), (121.395, 31.265, 2, 1.6), (121.365, 31.275, 4, 2.0)),
    ),
    DistrictFacts(
        310109, "虹口区", 757_498, _quarters((121.485, 31.265, 5, 1.1), (121.480, 31.295, 5, 1.4))
    ),
    DistrictFacts(
        310110,
        "杨浦区",
        1_242_548,
        _quarters((121.525, 31.275, 4, 1.5), (121.515, 31.305, 3, 1.4), (121.545, 31.320, 3, 1.4)),
    ),
    DistrictFacts(
        310112,
        "闵行区",
        2_653_489,
        _quarters(
            (121.385, 31.115, 25, 2.2),
            (121.360, 31.155, 20, 2.0),
            (121.505, 31.095, 20, 2.4),
            (121.400, 31.015, 20, 2.4),
            (121.310, 31.195, 15, 1.8),
        ),
    ),
    DistrictFacts(
        310113,
        "宝山区",
        2_235_218,
        _quarters(
            (121.485, 31.395, 30, 2.2),
            (121.435, 31.345, 25, 2.0),
            (121.385, 31.345, 25, 2.2),
            (121.345, 31.410, 20, 2.6),
        ),
    ),
    DistrictFacts(
        310114,
        "嘉定区",
        1_834_258,
        _quarters(
            (121.250, 31.380, 30, 2.5),
            (121.320, 31.300, 35, 2.2),
            (121.330, 31.245, 20, 2.0),
            (121.165, 31.295, 15, 2.4),
        ),
    ),
    DistrictFacts(
        310115,
        "浦东新区",
        5_681_512,
        _quarters(
            (121.530, 31.225, 14, 2.0),
            (121.510, 31.240, 4, 1.2),
            (121.505, 31.165, 13, 1.8),
            (121.575, 31.255, 14, 2.2),
            (121.600, 31.205, 15, 2.2),
            (121.650, 31.215, 9, 2.5),
            (121.700, 31.190, 11, 2.6),
            (121.580, 31.340, 7, 2.4),
            (121.570, 31.115, 8, 2.6),
            (121.760, 31.050, 3, 3.0),
            (121.920, 30.900, 2, 2.5),
        ),
    ),
    DistrictFacts(
        310116,
        "金山区",
        822_776,
        _quarters((121.340, 30.740, 5, 2.4), (121.165, 30.895, 3, 2.6), (121.300, 30.890, 2, 2.6)),
    ),
    DistrictFacts(
        310117,
        "松江区",
        1_909_713,
        _quarters(
            (121.225, 31.030, 35, 2.6),
            (121.320, 31.130, 30, 2.0),
            (121.265, 31.115, 20, 2.0),
            (121.305, 31.010, 15, 2.6),
        ),
    ),
    DistrictFacts(
        310118,
        "青浦区",
        1_271_424,
        _quarters((121.115, 31.150, 4, 2.6), (121.275, 31.185, 4, 2.2), (121.195, 31.155, 2, 2.8)),
    ),
    DistrictFacts(
        310120,
        "奉贤区",
        1_140_872,
        _quarters(
            (121.465, 30.920, 45, 2.6),
            (121.440, 30.985, 25, 2.4),
            (121.570, 30.900, 15, 3.0),
            (121.645, 30.920, 15, 2.8),
        ),
    ),
    DistrictFacts(
        310151,
        "崇明区",
        637_921,
        _quarters((121.400, 31.625, 5, 3.0), (121.520, 31.610, 2, 3.0), (121.700, 31.385, 3, 2.6)),
    ),
)
