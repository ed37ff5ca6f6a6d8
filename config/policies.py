"""What browsers may load and run: one policy for the admin, the strict one for everything else.

No page loads anything from another origin, but for images of the operator's map tiles on the pages
with maps. The admin's scripts are files; Unfold's Alpine makes
functions of the texts in its attributes ('unsafe-eval'), and Unfold writes its colours and some
widths into the pages (inline styles). The API's description and the health page have inline styles.
"""

from typing import Any, Final
from urllib.parse import urlsplit

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

Policy = dict[str, list[str]]

STRICT: Final[Policy] = {
    "default-src": [NONE],
    "script-src": [SELF],
    "style-src": [SELF],
    "img-src": [SELF, "data:"],
    "font-src": [SELF],
    "connect-src": [SELF],
    "manifest-src": [SELF],
    "worker-src": [SELF],
    "form-action": [SELF],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
}
WITH_INLINE_STYLES: Final[Policy] = STRICT | {"style-src": [SELF, UNSAFE_INLINE]}
ADMIN: Final[Policy] = WITH_INLINE_STYLES | {"script-src": [SELF, UNSAFE_EVAL]}

STYLED: Final = frozenset({"docs", "health"})
"""Names of pages of other packages that write their styles into the page."""

WITH_MAPS: Final = frozenset({"live", "vouchers_campaign_map"})
"""Names of pages that may show tiles."""

NOT_NEEDED: Final = (
    "accelerometer",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "payment",
    "usb",
)
"""Abilities of browsers that no page has unless its view says so."""
PERMISSIONS: Final = ", ".join(f"{ability}=()" for ability in NOT_NEEDED)


class PolicyMiddleware(CSPMiddleware):
    """Content-Security-Policy by page, and Permissions-Policy.

    A view may have a policy of its own by django-csp's decorators, and its own Permissions-Policy.
    """

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        """The policy of the page, unless the view has one."""
        parts = super().get_policy_parts(request, response, report_only)
        if parts.config is None and not report_only:
            parts.config = _policy_of(request)
        return parts

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Add the headers."""
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        return super().process_response(request, response)


def _policy_of(request: HttpRequest) -> dict[str, Any]:
    match = request.resolver_match
    if match is None:
        return STRICT
    styled = WITH_INLINE_STYLES if match.url_name in STYLED else STRICT
    policy = ADMIN if match.app_name == "admin" else styled
    if match.url_name in WITH_MAPS and (tiles := _origin(settings.HUIMIN_TILE_URL)):
        return policy | {"img-src": [*policy["img-src"], tiles]}
    return policy


def _origin(url: str) -> str:
    """Scheme and host of an address; empty for our own."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
