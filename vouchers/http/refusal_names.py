"""What tills are refused, in a few words for people who look at figures."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

REFUSALS: Mapping[str, Any] = {
    "malformed_request": _("request not understood"),
    "idempotency_key_required": _("no idempotency key"),
    "unauthenticated": _("unknown key"),
    "forbidden": _("key without permission"),
    "not_found": _("redemption not found"),
    "address_unknown": _("no such address"),
    "rate_limited": _("too many requests"),
    "enrolment_code_invalid": _("enrolment code not valid"),
    "body_too_large": _("body too large"),
    "unsupported_media_type": _("body not sent as JSON"),
    "method_not_allowed": _("method not allowed"),
    "request_in_flight": _("the same request in flight"),
    "idempotency_key_reused": _("key used for another request"),
    "busy": _("busy"),
    "voucher_not_usable": _("unknown voucher or another resident's"),
    "presence_required": _("printed code where presence is asked for"),
    "too_many_wrong_codes": _("too many wrong codes"),
    "voucher_redeemed": _("already redeemed"),
    "voucher_withdrawn": _("withdrawn"),
    "voucher_not_yet_valid": _("not valid yet"),
    "voucher_expired": _("expired"),
    "resident_not_active": _("resident frozen"),
    "campaign_not_running": _("campaign not running"),
    "store_not_found": _("unknown store or another merchant's"),
    "store_closed": _("store closed"),
    "store_not_participating": _("store does not take part"),
    "category_excluded": _("category excluded"),
    "order_kind_excluded": _("kind of order excluded"),
    "below_threshold": _("below the threshold"),
    "payable_too_small": _("nothing left to pay"),
    "order_already_used": _("order already used a voucher"),
    "order_reversed": _("order reversed"),
    "order_incomplete": _("a number asked of the order is missing"),
    "order_time": _("sent too late, or dated ahead"),
    "resident_limit": _("resident's limit reached"),
    "store_limit": _("store's limit reached"),
    "merchant_limit": _("merchant's limit reached"),
    "redemption_state": _("not possible any more"),
    "refund_too_large": _("refund too large"),
    "sold_out": _("sold out"),
    "not_targeted": _("not in the audience"),
    "resident_refused": _("resident not put on file"),
    "coordinates_invalid": _("no possible place"),
    "proxy_is_holder": _("proxy of oneself"),
    "risk_refused": _("refused by a risk rule"),
}
"""What tills are refused, in a few words; the whole sentence is in the catalogue."""


def refusal_name(code: str) -> str:
    """A refusal in a few words; one without a name of its own keeps its code."""
    return str(REFUSALS.get(code, code))
