"""Residents: registered, loaded, moved, linked, merged, excluded, frozen, erased."""

from vouchers.services.residents.acts import (
    declare_proxy,
    end_proxy,
    give_consent,
    move_point,
    register_resident,
    withdraw_consent,
)
from vouchers.services.residents.columns import DISTRICT_UNKNOWN, PointColumns, ResidentColumns
from vouchers.services.residents.exclusions import exclude, lift_exclusion
from vouchers.services.residents.files import import_residents
from vouchers.services.residents.identity import keyed_hash
from vouchers.services.residents.links import end_link, link
from vouchers.services.residents.load import load_residents
from vouchers.services.residents.merges import merge, undo_merge
from vouchers.services.residents.office import (
    record_consent,
    record_proxy,
    record_proxy_ended,
    record_withdrawal,
)
from vouchers.services.residents.retention import coarsen_points
from vouchers.services.residents.standing import (
    erase,
    freeze,
    record_death,
    undo_death,
    unfreeze,
)

__all__ = [
    "DISTRICT_UNKNOWN",
    "PointColumns",
    "ResidentColumns",
    "coarsen_points",
    "declare_proxy",
    "end_link",
    "end_proxy",
    "erase",
    "exclude",
    "freeze",
    "give_consent",
    "import_residents",
    "keyed_hash",
    "lift_exclusion",
    "link",
    "load_residents",
    "merge",
    "move_point",
    "record_consent",
    "record_death",
    "record_proxy",
    "record_proxy_ended",
    "record_withdrawal",
    "register_resident",
    "undo_death",
    "undo_merge",
    "unfreeze",
    "withdraw_consent",
]
