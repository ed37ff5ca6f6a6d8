"""Pages of the merchants' side with what that side knows nothing of: their histories, and buttons
that suspend.
"""

from django.contrib import admin

from merchants.admin.credentials import CredentialAdmin
from merchants.admin.stores import (
    DistrictAdmin,
    MerchantAdmin,
    StoreAdmin,
    StreetAdmin,
    TerminalAdmin,
)
from merchants.models import Credential, District, Merchant, Store, Street, Terminal
from vouchers.admin.campaigns.stops import BUTTONS, StopButtons
from vouchers.admin.history.page import RecordedHistory

for _model, _page in (
    (Credential, CredentialAdmin),
    (District, DistrictAdmin),
    (Merchant, MerchantAdmin),
    (Store, StoreAdmin),
    (Street, StreetAdmin),
    (Terminal, TerminalAdmin),
):
    _parts: tuple[type, ...] = (RecordedHistory, _page)
    _more = {}
    if hasattr(_model, "suspended_until_at"):
        _parts = (StopButtons, *_parts)
        _more["actions_detail"] = [*_page.actions_detail, *BUTTONS]
    admin.site.unregister(_model)
    admin.site.register(_model, type(_page.__name__, _parts, _more))
