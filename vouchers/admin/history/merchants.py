"""Pages of the merchants' side with their histories; that side knows nothing of this one."""

from django.contrib import admin

from merchants.admin.credentials import CredentialAdmin
from merchants.admin.stores import DistrictAdmin, MerchantAdmin, StoreAdmin, StreetAdmin
from merchants.models import Credential, District, Merchant, Store, Street
from vouchers.admin.history.page import RecordedHistory

for _model, _page in (
    (Credential, CredentialAdmin),
    (District, DistrictAdmin),
    (Merchant, MerchantAdmin),
    (Store, StoreAdmin),
    (Street, StreetAdmin),
):
    admin.site.unregister(_model)
    admin.site.register(_model, type(_page.__name__, (RecordedHistory, _page), {}))
