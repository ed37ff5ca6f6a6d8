"""An app and a till with the documentation's client: registered, claimed, shown and used."""

import pytest
import redis
from django.utils import timezone

from docs.client.channel import Channel, Place
from docs.client.huimin import Client, Enrolment, Order, Refused
from merchants.models import Credential
from merchants.services import enrol_terminal, issue_credential
from merchants.services.terminals import make_code
from tests.express.test_claims import open_round
from tests.support import cast
from tests.support.concurrency.invariants import assert_proven
from tests.support.web_server import Server

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

HOME = Place(*cast.PEOPLES_SQUARE, "WGS-84")


def app_key() -> str:
    """The key of a channel's app."""
    _, key = issue_credential(
        name="app",
        kind=Credential.Kind.CHANNEL,
        scopes=["claim", "residents"],
        channel_code="alipay",
        at=timezone.now(),
    )
    return key


def till_key(address: str) -> str:
    """What a new till is answered for its one-time code."""
    till = enrol_terminal(store=cast.nanjing_road(), code="T1")
    code = make_code(terminal=till, scopes=["redeem"], valid_s=3600, at=timezone.now())
    with Enrolment(address) as enrolment:
        return enrolment.enrol(code).key


def test_a_claimed_voucher_is_shown_in_the_app_and_used_at_a_till(
    service: Server, redis_client: redis.Redis
) -> None:
    open_round("grab-2026")
    with (
        Channel(service.url, app_key()) as app,
        Client(service.url, till_key(service.url)) as till,
    ):
        app.register("R-1", points={"home": HOME}, consent_targeting="2026-03")
        app.register("R-2")
        assert app.explain("R-1", campaign="grab-2026").targeted
        (offer,) = app.offers("R-1")
        claimed = app.claim("R-1", offer.tier, key="claim-1")
        assert app.claim("R-1", offer.tier, key="claim-1") == claimed
        assert [held.code for held in app.wallet("R-1")] == [claimed.voucher]

        with pytest.raises(Refused, match="voucher"):
            app.present(claimed.voucher, resident="R-2")
        app.declare_proxy("R-1", "R-2", relation="daughter")
        shown = app.present(claimed.voucher, resident="R-2")
        order = Order(shown.code, "nanjing_road", "A-1", 25_000)
        made = till.redeem(order, key="A-1")
        assert sum(share.fen for share in made.by_source) == made.discount_fen == 2_000
        assert till.redemption(made.id) == made == till.find(idempotency_key="A-1")[0]
        assert [held.state for held in app.wallet("R-1")] == ["redeemed"]
    assert_proven()
