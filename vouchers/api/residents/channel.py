"""What every call of a channel on residents has: its scope, and the resident it is about."""

from typing import cast

from rest_framework.request import Request
from rest_framework.views import APIView

from merchants.auth import Caller, HasScope, KeyAuthentication
from vouchers.api.redemption import JsonOnly
from vouchers.http.residents import number_to_register
from vouchers.models import Resident
from vouchers.queries.residents import resident_numbered


class ChannelView(APIView):
    """For channels: a key with the scope `residents`."""

    authentication_classes = [KeyAuthentication]
    permission_classes = [HasScope.of("residents")]
    content_negotiation_class = JsonOnly

    @staticmethod
    def caller(request: Request) -> Caller:
        """Whose key it is."""
        return cast(Caller, request.auth)

    def resident(self, request: Request, external_id: str) -> Resident:
        """A resident whom the key may write to. Refuses `malformed_request`, `not_found`."""
        number = number_to_register(external_id, is_test=self.caller(request).is_test)
        return resident_numbered(number)
