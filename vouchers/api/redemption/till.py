"""The calls of tills."""

from merchants.auth import HasScope
from vouchers.api.calls import CallView


class TillView(CallView):
    """For tills: a key with the scope `redeem`."""

    permission_classes = [HasScope.of("redeem")]
