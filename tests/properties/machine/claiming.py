"""Claims: residents ask for a voucher of a round, in batches, and ask again."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.properties.machine.ground import pick
from tests.properties.machine.hands import Hands
from tests.support import cast
from tests.support.cast import PEOPLES_SQUARE
from tests.support.claims import app, asking, claimed, position
from tests.support.reference_model import Claim, Tier
from tests.support.small_city import PEOPLE, PER_RESIDENT, claims, good_claims
from tests.support.till import decoded
from vouchers.models import Tranche
from vouchers.services.acts import Answer
from vouchers.services.claims import ClaimRequest

FAR_AWAY = cast.north_of(PEOPLES_SQUARE, km=9)
PLACES = {"near": position(PEOPLES_SQUARE), "far": position(FAR_AWAY), "": {}}
ASK_AGAIN = ("sold_out", "campaign_not_running")
"""Refusals that leave their key free: the same request may be granted later."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A claim, and the answer that is kept under its key, if it is kept."""

    request: ClaimRequest
    claim: Claim
    answer: Answer | None


class Claiming(Hands):
    """What channels ask for on behalf of residents, and what they must hear."""

    def __init__(self) -> None:
        super().__init__()
        self.claims: dict[str, Asked] = {}

    @precondition(lambda self: self.model.is_claimable())
    @rule(batch=st.lists(good_claims, min_size=1, max_size=4))
    def claim_as_one_should(self, batch: list[tuple[Any, ...]]) -> None:
        self.claim(batch)

    @rule(batch=st.lists(claims, min_size=1, max_size=4))
    def claim(self, batch: list[tuple[Any, ...]]) -> None:
        """A batch of claims, of the round that is open or of one that is not; some asked before,
        some changed since."""
        sent: dict[str, tuple[ClaimRequest, Claim]] = {}
        for picks in batch:
            request, claim = self._request_of(*picks)
            sent.setdefault(request.key, (request, claim))
        answers = claimed([request for request, _ in sent.values()])
        if self.model.is_claimable():
            for _, claim in sent.values():
                self._note_batch(claim.tier)
        for (request, claim), answer in zip(sent.values(), answers, strict=True):
            self._compare_claim(request, claim, answer)

    def _request_of(
        self, name: str, tier: Tier, place: str, how: str, earlier: int
    ) -> tuple[ClaimRequest, Claim]:
        now, key = self.model.now, self.number("claim")
        if self.claims and how != "new":
            before = pick(list(self.claims.values()), earlier)
            if how == "again":
                return replace(before.request, at=now), before.claim
            key = before.request.key
        request = asking(
            name, self.campaign, tier=tier.code, key=key, at=now, caller=app(), **PLACES[place]
        )
        is_known = name in self.people
        return request, Claim(name, tier, name in PEOPLE, place == "near", is_known)

    def _note_batch(self, tier: Tier) -> None:
        """The first who asks has it opened, whatever becomes of the claim."""
        code = self.model.round_now().code
        if (code, tier.code) not in self.model.claimed:
            row = Tranche.objects.get(
                campaign=self.campaign,
                round__number=code.removeprefix("round "),
                tier__code=tier.code,
                shard=None,
            )
            batch = self.model.open_batch(row.pk, tier)
            assert (row.valid_from_at, row.valid_until_at) == (batch.since, batch.until)

    def _compare_claim(self, request: ClaimRequest, claim: Claim, answer: Answer) -> None:
        status, body = decoded(answer)
        known = self.claims.get(request.key)
        if known is not None and known.answer is not None:
            if known.request.fingerprint == request.fingerprint:
                assert (answer.status, answer.body) == (known.answer.status, known.answer.body)
                assert answer.is_replay
            else:
                assert body["code"] == "idempotency_key_reused"
            return
        assert not answer.is_replay
        verdict = self.model.claim_verdict(claim, PER_RESIDENT)
        hypothesis.event(f"claim: {verdict}")
        assert body.get("code", "yes") == verdict
        if verdict == "yes":
            assert status == 201
            made = self.model.give(claim, body["claim"])
            assert datetime.fromisoformat(body["valid_until_at"]) == made.batch.until
        self.claims[request.key] = Asked(request, claim, None if verdict in ASK_AGAIN else answer)
