"""A retail group with its stores and tills, and a rival next door."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from merchants.errors import Refused
from merchants.geo import Datum
from merchants.models import Credential, Merchant, State, Store, Terminal
from merchants.services import (
    MerchantName,
    RowFault,
    enrol_merchant,
    enrol_terminal,
    import_stores,
    issue_credential,
    open_store,
    rotate_key,
)

TILLS: Final = 20
FEWEST_STORES: Final = 2
GROUP: Final = MerchantName("demo-huilian", "汇联百货集团")
RIVAL: Final = MerchantName("demo-rival", "对门百货")
SCOPES: Final = frozenset({"redeem"})
CATEGORY: Final = "百货"

STORES: Final = (
    ("南京东路店", "黄浦区", 121.4835, 31.2365),
    ("淮海路店", "黄浦区", 121.4650, 31.2205),
    ("徐家汇店", "徐汇区", 121.4410, 31.1935),
    ("漕河泾店", "徐汇区", 121.4025, 31.1690),
    ("中山公园店", "长宁区", 121.4220, 31.2190),
    ("静安寺店", "静安区", 121.4500, 31.2245),
    ("大宁店", "静安区", 121.4560, 31.2770),
    ("长寿路店", "普陀区", 121.4390, 31.2405),
    ("真如店", "普陀区", 121.4095, 31.2500),
    ("四川北路店", "虹口区", 121.4860, 31.2620),
    ("五角场店", "杨浦区", 121.5185, 31.3000),
    ("莘庄店", "闵行区", 121.3890, 31.1125),
    ("七宝店", "闵行区", 121.3570, 31.1550),
    ("浦江店", "闵行区", 121.5095, 31.0900),
    ("大场店", "宝山区", 121.4195, 31.3185),
    ("友谊路店", "宝山区", 121.4890, 31.4060),
    ("江桥店", "嘉定区", 121.3310, 31.2445),
    ("南翔店", "嘉定区", 121.3230, 31.2980),
    ("陆家嘴店", "浦东新区", 121.5055, 31.2385),
    ("八佰伴店", "浦东新区", 121.5175, 31.2265),
    ("金桥店", "浦东新区", 121.5860, 31.2560),
    ("三林店", "浦东新区", 121.5100, 31.1480),
    ("川沙店", "浦东新区", 121.7050, 31.1905),
    ("松江店", "松江区", 121.2310, 31.0160),
    ("徐泾店", "青浦区", 121.2790, 31.1800),
)
"""The group's own department stores: name, district, GCJ-02 longitude and latitude."""

RIVAL_STORE: Final = ("DEMO-R01", "对门百货南京东路店", 121.4842, 31.2369)


class NoStoresError(RuntimeError):
    """The group has too few stores for a merchant day; the message gives the reason."""


@dataclass(frozen=True, slots=True)
class TillKey:
    """A terminal and the key it calls with."""

    store_no: str
    terminal: str
    key: str


@dataclass(frozen=True, slots=True)
class Group:
    """The group's stores, twenty tills in them, one more in a store of its own, and one whose
    cashier has joined a ring; the rival's till, and another of the rival's that is in the wrong
    hands."""

    merchant: Merchant
    stores: Sequence[Store]
    tills: Sequence[TillKey]
    busy_till: TillKey
    ring_till: TillKey
    rival_till: TillKey
    stolen_till: TillKey
    refused_rows: int


def open_group(
    *,
    stores_file: Path | None,
    directory: Path,
    at: datetime,
    on_progress: Callable[[float], None] = lambda done: None,
) -> Group:
    """The group with the stores of a CSV, or with its own; found again when it exists already.

    Keys are shown once, so tills that are there get new ones. Raises NoStoresError, and
    UnreadableFileError for a file without usable columns.
    """
    faults: list[RowFault] = []
    import_stores(
        path=stores_file or _own_stores(directory),
        datum=Datum.GCJ_02,
        merchant=GROUP,
        at=at,
        on_fault=faults.append,
        on_progress=on_progress,
    )
    stores = list(
        Store.objects.filter(merchant__code=GROUP.code, state=State.ACTIVE).order_by("external_id")
    )
    if len(stores) < FEWEST_STORES:
        why = f" A row was refused: {faults[0].reason}" if faults else ""
        raise NoStoresError(f"The group needs at least {FEWEST_STORES} stores.{why}")
    # Spread over the list; the busy till has a store to itself, whose limit it will try.
    *open_stores, last = stores
    rivals = _rival_store(at)
    chosen = [open_stores[number * len(open_stores) // TILLS] for number in range(TILLS)]
    quiet = next((store for store in open_stores if store not in chosen), open_stores[0])
    return Group(
        merchant=stores[0].merchant,
        stores=stores,
        tills=[_till(store, f"T{number:02d}", at) for number, store in enumerate(chosen, 1)],
        busy_till=_till(last, "T99", at),
        ring_till=_till(quiet, "T66", at),
        rival_till=_till(rivals, "T01", at),
        stolen_till=_till(rivals, "T02", at),
        refused_rows=len(faults),
    )


def _own_stores(directory: Path) -> Path:
    path = directory / "stores.csv"
    header = ("store_id", "brand", "category", "name", "district", "longitude", "latitude", "datum")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for number, (name, district, longitude, latitude) in enumerate(STORES, 1):
            row = (
                f"DEMO-S{number:02d}",
                "汇联百货",
                CATEGORY,
                f"汇联百货{name}",
                district,
            )
            writer.writerow([*row, longitude, latitude, Datum.GCJ_02.value])
    return path


def _rival_store(at: datetime) -> Store:
    number, name, longitude, latitude = RIVAL_STORE
    known = Store.objects.filter(merchant__code=RIVAL.code, external_id=number).first()
    if known:
        return known
    return open_store(
        merchant=_merchant(RIVAL, at),
        external_id=number,
        name=name,
        category=CATEGORY,
        longitude=longitude,
        latitude=latitude,
        datum=Datum.GCJ_02,
        at=at,
    )


def _merchant(name: MerchantName, at: datetime) -> Merchant:
    try:
        return enrol_merchant(code=name.code, name=name.name, at=at)
    except Refused:  # it exists already
        return Merchant.objects.get(code=name.code)


def _till(store: Store, code: str, at: datetime) -> TillKey:
    terminal = Terminal.objects.filter(store=store, code=code).first()
    terminal = terminal or enrol_terminal(store=store, code=code)
    credential = Credential.objects.filter(terminal=terminal).first()
    if credential:
        key = rotate_key(credential=credential, overlap_s=0, at=at)
    else:
        _, key = issue_credential(
            name=f"{store.external_id} {code}",
            kind=Credential.Kind.TERMINAL,
            scopes=SCOPES,
            terminal=terminal,
            at=at,
        )
    return TillKey(store.external_id, code, key)
