"""One POST signed as Standard Webhooks says (standardwebhooks.com), to an address judged before."""

import asyncio
import ssl
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

import httpx
from standardwebhooks import Webhook

from vouchers.services.webhooks.addresses import resolve

TIMEOUT_S: Final = 10
"""For all of it: name, connection, and the head of the answer."""
HTTPS_PORT: Final = 443


class Reply(NamedTuple):
    """What a receiver answered; the body of the answer is not read."""

    status: int
    retry_after_s: int | None

    @property
    def is_success(self) -> bool:
        """Only 2xx takes the message; redirects are not followed."""
        return 200 <= self.status < 300


def post(*, url: str, message_id: str, body: bytes, secrets: Sequence[str], at: datetime) -> Reply:
    """Send it, with a signature by each of `secrets`.

    Raises ForbiddenAddressError, httpx.HTTPError, httpx.InvalidURL, or OSError (TimeoutError too)
    where there was no answer.
    """
    signatures = [Webhook(secret).sign(message_id, at, body.decode()) for secret in secrets]
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    return asyncio.run(_post(httpx.URL(url), headers, body))


async def _post(url: httpx.URL, headers: dict[str, str], body: bytes) -> Reply:
    host = url.raw_host.decode()
    async with asyncio.timeout(TIMEOUT_S):
        address = await resolve(host, url.port or HTTPS_PORT)
        # The authorities this machine trusts, or those of SSL_CERT_FILE, instead of httpx's own
        # list. A proxy of the environment would resolve the name again: it is not asked.
        trusted = ssl.create_default_context()
        async with (
            httpx.AsyncClient(verify=trusted, trust_env=False, timeout=TIMEOUT_S) as client,
            client.stream(
                "POST",
                url.copy_with(host=str(address)),
                content=body,
                headers={"Host": url.netloc.decode(), **headers},
                extensions={"sni_hostname": host},
            ) as response,
        ):
            return Reply(response.status_code, _seconds(response.headers.get("Retry-After", "")))


def _seconds(retry_after: str) -> int | None:
    """The wait that a receiver asks for; None for a date, where the table of waits is as good."""
    return int(retry_after) if retry_after.isdecimal() and len(retry_after) < 9 else None
