"""What every call of a channel on residents has: its scope, and the resident it is about."""

from rest_framework.request import Request

from merchants.auth import HasScope
from vouchers.api.calls import CallView
from vouchers.http.residents import number_to_register
from vouchers.models import Resident
from vouchers.queries.residents import resident_numbered


class ChannelView(CallView):
    """For channels: a key with the scope `residents`."""

    permission_classes = [HasScope.of("residents")]

    def resident(self, request: Request, external_id: str) -> Resident:
        """A resident whom the key may write to. Refuses `malformed_request`, `not_found`."""
        is_test = self.caller(request).is_test
        return resident_numbered(number_to_register(external_id, is_test=is_test), is_test=is_test)
