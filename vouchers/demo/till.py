"""A till that talks HTTP and gives up on nothing: the same key until there is an answer."""

import json
import time
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from vouchers.demo.group import TillKey

HOST: Final = "127.0.0.1"
REDEMPTIONS: Final = "/api/v1/redemptions"
GIVE_UP_S: Final = 120.0
TIMEOUT_S: Final = 20.0
PAUSE_S: Final = 0.25
UNFINISHED: Final = frozenset({"request_in_flight", "busy", "rate_limited"})
"""Answers that are none yet: the same request with the same key is sent again."""


def open_client(port: int) -> httpx.Client:
    """Connections for all tills to the web server of this machine, past any proxy."""
    return httpx.Client(base_url=f"http://{HOST}:{port}", timeout=TIMEOUT_S, trust_env=False)


class NoAnswerError(RuntimeError):
    """The server has not answered for minutes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back at last, after how many tries and how long the last of them took."""

    status: int
    raw: bytes
    is_replay: bool
    tries: int
    took_s: float

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object; an empty one where there is none."""
        try:
            found = json.loads(self.raw)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def code(self) -> str:
        """The refusal's code, or `accepted`."""
        return "accepted" if self.status < 400 else str(self.body.get("code", self.status))


@dataclass(slots=True)
class Till:
    """One terminal. Not for two threads at once; the client is safe for threads."""

    key: TillKey
    client: httpx.Client
    retries: int = 0
    answers: list[Answer] = field(default_factory=list)

    def redeem(self, body: dict[str, Any], request_key: str) -> Answer:
        """Redeem a voucher; the terminal adds the store's number unless the body names one."""
        order = {"store": self.key.store_no, "terminal": self.key.terminal, **body}
        answer = self._post(REDEMPTIONS, json.dumps(order).encode(), request_key)
        self.answers.append(answer)
        return answer

    def void(self, redemption_id: int, request_key: str) -> Answer:
        """Undo a redemption."""
        return self._post(f"{REDEMPTIONS}/{redemption_id}/void", b"", request_key)

    def _post(self, path: str, body: bytes, request_key: str) -> Answer:
        deadline_s = time.monotonic() + GIVE_UP_S
        tries = 0
        while True:
            tries += 1
            answer = self._try(path, body, request_key, tries)
            if answer is not None:
                return answer
            if time.monotonic() > deadline_s:
                raise NoAnswerError(f"No answer to {path} under the key {request_key}.")
            self.retries += 1
            time.sleep(PAUSE_S)

    def _try(self, path: str, body: bytes, request_key: str, tries: int) -> Answer | None:
        """One attempt; None where it is not known what became of it."""
        headers = {
            "Authorization": f"Bearer {self.key.key}",
            "Idempotency-Key": request_key,
            "Content-Type": "application/json",
        }
        started_s = time.perf_counter()
        try:
            response = self.client.post(path, content=body, headers=headers)
        except httpx.TransportError:
            return None
        took_s = time.perf_counter() - started_s
        is_replay = response.headers.get("Idempotent-Replayed") == "true"
        answer = Answer(response.status_code, response.content, is_replay, tries, took_s)
        return None if answer.status >= 500 or answer.code in UNFINISHED else answer
