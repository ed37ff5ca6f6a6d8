"""Claims through the express door and through REST framework's: the same bytes for every call."""

import json
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
import redis
from django.utils import timezone

from merchants.models import Credential
from merchants.services import issue_credential
from tests.support import cast, draft_rows
from tests.support.channel_cases import NATIONAL_IDS, channel_cases, holder
from tests.support.claim_cases import PATH, REVOKED, claim_cases
from tests.support.concurrency.invariants import assert_proven
from tests.support.http_till import HttpTill, till_key
from tests.support.presenting import identified
from tests.support.two_doors import Door, faults_in
from tests.support.web_server import Server
from vouchers.models import Campaign, Claim, RequestRecord
from vouchers.states import RoundWay

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

UNITS = 2
GOOD = {"resident": "alice", "tier": "grab-now/off20"}


def open_round(code: str, *, units: int = UNITS, way: RoundWay = RoundWay.CLAIM) -> Campaign:
    """A campaign with a round that is claimed by the real clock."""
    now, by = timezone.now(), cast.mei()
    draft = cast.spring_campaign(
        code=code,
        tiers={"off20": (2_000, 10_000)},
        limits={},
        starts_at=now - timedelta(days=2),
        ends_at=now + timedelta(days=30),
    )
    opened = draft_rows.add(
        "rounds",
        campaign=draft,
        number=1,
        opens_at=now - timedelta(hours=1),
        closes_at=now + timedelta(hours=1),
        way=way.value,
        by=by,
        at=now,
    )
    draft_rows.add("cells", campaign=draft, round=opened, cap_count=units, by=by, at=now)
    return cast.launched(draft, at=now)


@pytest.fixture
def key(redis_client: redis.Redis) -> str:
    """A channel's key; Alice, Carol and Eve live near, Bob does not."""
    cast.alice(), cast.bob(), cast.carol(), cast.resident("eve")
    _, text = issue_credential(
        name="app",
        kind=Credential.Kind.CHANNEL,
        scopes=["claim", "residents"],
        channel_code="alipay",
        at=timezone.now(),
    )
    return text


@pytest.fixture
def doors(express_server: Server, rest_server: Server) -> Iterator[tuple[httpx.Client, ...]]:
    """The express door and the other one."""
    with express_server.client() as first, rest_server.client() as second:
        yield first, second


def send(door: httpx.Client, key: str, body: object, under: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {
        "Authorization": f"Bearer {key}",
        "Idempotency-Key": under,
        "Content-Type": "application/json",
    }
    return door.post(PATH, content=content, headers=headers)


def hands(clients: tuple[httpx.Client, ...], key: str) -> tuple[Door, Door]:
    """Each door with a campaign of its own with two units; only their names differ."""
    first, second = (
        Door(client, HttpTill(name, key, []))
        for client, name in zip(clients, ("asgi", "wsgi"), strict=True)
    )
    for door in (first, second):
        open_round(f"grab-{door.hand.name}")
    return first, second


def test_every_call_is_answered_alike_and_as_promised(
    doors: tuple[httpx.Client, ...], key: str
) -> None:
    played = hands(doors, key)
    revoked, text = issue_credential(
        name="old app",
        kind=Credential.Kind.CHANNEL,
        scopes=["claim"],
        channel_code="alipay",
        at=timezone.now(),
    )
    revoked.keys.update(revoked_at=timezone.now())
    for door in played:
        door.hand.keys[REVOKED] = text
    assert "\n".join(faults_in(played, claim_cases())) == ""
    assert Claim.objects.count() == 2 * UNITS
    assert not RequestRecord.objects.exclude(status__in=[201, 404, 422]).exists()
    assert not RequestRecord.objects.filter(key__endswith="-BAD").exists()
    assert_proven()


def test_every_other_call_of_a_channel_is_answered_alike_and_as_promised(
    doors: tuple[httpx.Client, ...], key: str
) -> None:
    played = hands(doors, key)
    for door in played:
        lin = cast.resident(holder(door.hand))
        identified(lin, national_id=NATIONAL_IDS[door.hand.name])
    assert "\n".join(faults_in(played, channel_cases())) == ""
    assert_proven()


def test_one_door_replays_what_the_other_answered(
    doors: tuple[httpx.Client, ...], key: str
) -> None:
    open_round("grab-now")
    told, again = (send(door, key, GOOD, "shared") for door in doors)
    assert told.status_code == 201, told.text
    assert (again.content, again.headers["idempotent-replayed"]) == (told.content, "true")


def test_only_a_channels_key_may_claim(doors: tuple[httpx.Client, ...], key: str) -> None:
    open_round("grab-now")
    till = till_key(cast.nanjing_road(), scopes=("redeem", "claim"))
    redeeming = till_key(cast.nanjing_road(), code="T2")
    for door in doors:
        for wrong in (till, redeeming):
            answer = send(door, wrong, GOOD, "k")
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert send(door, "nonsense", GOOD, "k").status_code == 401
    assert not Claim.objects.exists()


class TestOffers:
    """The list of what a resident can claim, before they do."""

    def answer(self, door: httpx.Client, key: str, resident: str) -> httpx.Response:
        return door.get(
            "/api/v1/offers",
            params={"resident": resident},
            headers={"Authorization": f"Bearer {key}"},
        )

    def offers(self, door: httpx.Client, key: str, resident: str) -> list[dict[str, object]]:
        answer = self.answer(door, key, resident)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, object]] = answer.json()
        return found

    def test_an_offer_says_how_it_stands_for_the_resident(
        self, doors: tuple[httpx.Client, ...], key: str
    ) -> None:
        open_round("grab-now", units=1)
        door = doors[0]
        (alices,), (bobs,) = (self.offers(door, key, who) for who in ("alice", "bob"))
        assert (alices["tier"], alices["state"], alices["left_for_resident"]) == (
            "grab-now/off20",
            "open",
            1,
        )
        assert (bobs["state"], bobs["reason"]) == ("not_for_you", "outside")
        assert len({self.answer(door, key, "alice").content for door in doors}) == 1
        assert send(door, key, {**GOOD, "tier": alices["tier"]}, "k").status_code == 201
        assert self.offers(door, key, "alice")[0]["state"] == "claimed"
        assert self.offers(door, key, "carol")[0]["state"] == "sold_out"

    def test_on_the_spot_the_position_decides_later(
        self, doors: tuple[httpx.Client, ...], key: str
    ) -> None:
        open_round("grab-now", way=RoundWay.CLAIM_ON_SPOT)
        (bobs,) = self.offers(doors[1], key, "bob")
        assert (bobs["state"], bobs["needs_position"]) == ("open", True)

    def test_who_is_not_registered_is_not_found(
        self, doors: tuple[httpx.Client, ...], key: str
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        for resident, status in (("nobody", 404), ("", 400), ("a\tb", 400)):
            answer = doors[0].get("/api/v1/offers", params={"resident": resident}, headers=headers)
            assert answer.status_code == status, answer.text
