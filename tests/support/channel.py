"""A channel's app with a key, calling the API inside the test's own transaction."""

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from merchants.models import Credential
from merchants.services import issue_credential

ROOT = "/api/v1"


@dataclass(frozen=True, slots=True)
class Api:
    """What calls the API with one key."""

    key: str
    client: Client

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The response to a call; `body` goes as JSON unless it is bytes."""
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body)
        return self.client.generic(
            method,
            ROOT + path,
            content,
            content_type="application/json",
            headers={"authorization": f"Bearer {self.key}", **headers},
        )

    def put(self, path: str, body: Any = None) -> Any:
        """The response to PUT."""
        return self.send("PUT", path, body)

    def get(self, path: str) -> Any:
        """The response to GET."""
        return self.send("GET", path)


def channel(
    *, scopes: tuple[str, ...] = ("residents",), is_test: bool = False, name: str = "alipay"
) -> Api:
    """An app of a channel, with a key of its own."""
    _, key = issue_credential(
        name=name,
        kind=Credential.Kind.CHANNEL,
        scopes=scopes,
        channel_code=name,
        is_test=is_test,
        at=timezone.now(),
    )
    return Api(key, Client())


def refusal(response: HttpResponse) -> tuple[int, str, str]:
    """Status, code and rule of a refusal."""
    body = json.loads(response.content)
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, body["code"], body["rule"]
