"""Elder meals by proxy and on paper, over HTTP: Grandmother Zhang has no telephone. Her daughter
shows one voucher in an app; another is printed and brought to the canteen by Zhang herself."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.support import cast
from tests.support.channel import Api, channel
from tests.support.code128 import read_code128
from tests.support.http_till import open_campaign, till_key
from tests.support.till import issue_vouchers
from vouchers.models import Redemption, Resident

pytestmark = pytest.mark.django_db

ZHANG = "11010519491231002X"
HOME = {"longitude": 121.4737, "latitude": 31.2304, "datum": "WGS-84"}


def redeemed(till: Api, voucher: str, order_no: str, **fields: Any) -> tuple[int, dict[str, Any]]:
    """The canteen's till sends a code for a meal of ¥250."""
    body = {
        "voucher": voucher,
        "store": "nanjing_road",
        "order_no": order_no,
        "order_amount_fen": 25_000,
        **fields,
    }
    answer = till.send("POST", "/redemptions", body, **{"idempotency-key": order_no})
    return answer.status_code, json.loads(answer.content)


def test_an_elders_meals_are_paid_by_proxy_and_on_paper() -> None:
    app = channel()
    till = Api(till_key(cast.nanjing_road()), app.client)
    campaign = open_campaign(timezone.now(), presence_required=True)
    for number, body in (("zhang", {"national_id": ZHANG, "points": {"home": HOME}}), ("li", {})):
        assert app.put(f"/residents/{number}", body).status_code == 200
    zhang = Resident.objects.get(external_id="zhang")
    issue_vouchers(campaign, [zhang] * 2, at=timezone.now() - timedelta(days=1))
    first, second = (held["code"] for held in app.get("/residents/zhang/vouchers").json())

    # The printed code alone is refused, and her daughter gets no code before she is a proxy.
    assert redeemed(till, first, "M1", resident="zhang")[1]["code"] == "presence_required"
    show = f"/vouchers/{first}/present"
    assert app.send("POST", show, {"resident": "li"}).status_code == 404
    assert app.put("/residents/zhang/proxies/li", {"relation": "daughter"}).status_code == 204
    shown = app.send("POST", show, {"resident": "li"}).json()
    assert shown["qr_svg"].startswith("<svg")
    assert read_code128(shown["code128_svg"]) == shown["code"]
    status, meal = redeemed(till, shown["digits"], "M2")
    assert (status, meal["voucher"]) == (201, first)
    assert redeemed(till, shown["code"], "M3")[1]["code"] == "voucher_not_usable"

    # The other voucher on paper: lost and replaced, then good with four digits.
    desk = {"resident": "zhang", "national_id": ZHANG}
    lost, paper = (app.send("POST", f"/vouchers/{second}/paper", desk).json() for _ in range(2))
    assert paper["has_replaced"]
    assert read_code128(paper["code128_svg"]) == paper["code"]
    assert redeemed(till, lost["code"], "M4", id_digits="002X")[0] == 404
    assert redeemed(till, paper["code"], "M5", id_digits="0021")[0] == 404
    assert redeemed(till, paper["code"], "M6", id_digits="002x")[0] == 201

    states = {held["state"] for held in app.get("/residents/zhang/vouchers").json()}
    assert states == {"redeemed"}
    showed = Redemption.objects.order_by("id").values_list("shown_by__external_id", flat=True)
    assert list(showed) == ["li", "zhang"]
