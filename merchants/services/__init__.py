"""What is done to merchants, stores, terminals, credentials and districts."""

from merchants.services.credentials import (
    SCOPES,
    issue_credential,
    key_sha256,
    rotate_key,
)
from merchants.services.districts import DistrictBook, import_districts
from merchants.services.encodings import UnreadableFileError
from merchants.services.enrolment import (
    enrol_district,
    enrol_merchant,
    enrol_terminal,
    move_store,
    open_store,
)
from merchants.services.stores import MerchantName, import_stores, merchant_of_brand
from merchants.services.summaries import LoadSummary, RowFault

__all__ = [
    "SCOPES",
    "DistrictBook",
    "LoadSummary",
    "MerchantName",
    "RowFault",
    "UnreadableFileError",
    "enrol_district",
    "enrol_merchant",
    "enrol_terminal",
    "import_districts",
    "import_stores",
    "issue_credential",
    "key_sha256",
    "merchant_of_brand",
    "move_store",
    "open_store",
    "rotate_key",
]
