"""What is done to residents: registered, moved, asked for consent, loaded from a file."""

from vouchers.services.residents.acts import (
    declare_proxy,
    end_proxy,
    give_consent,
    move_point,
    register_resident,
    withdraw_consent,
)
from vouchers.services.residents.columns import DISTRICT_UNKNOWN, PointColumns, ResidentColumns
from vouchers.services.residents.files import import_residents
from vouchers.services.residents.identity import bucket_of, keyed_hash
from vouchers.services.residents.load import load_residents

__all__ = [
    "DISTRICT_UNKNOWN",
    "PointColumns",
    "ResidentColumns",
    "bucket_of",
    "declare_proxy",
    "end_proxy",
    "give_consent",
    "import_residents",
    "keyed_hash",
    "load_residents",
    "move_point",
    "register_resident",
    "withdraw_consent",
]
