"""Who is switched off neither acts nor reads from the next call on, whatever is remembered of the
key."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.utils import timezone

from merchants.auth import CALLERS
from merchants.models import Credential, Terminal
from tests.support import cast
from tests.support.channel import Api, channel
from tests.support.http_till import open_campaign, till_key
from tests.support.till import code_of, issue_vouchers
from vouchers.api.calls import ActView, CallView
from vouchers.api.urls import urlpatterns
from vouchers.models import Redemption
from vouchers.services.campaigns import stops

pytestmark = pytest.mark.django_db

SCOPES = ("redeem", "quote", "refund")


def switch_off(row: stops.Stoppable) -> None:
    stops.suspend(row=row, why="odd", by=cast.ren(), at=timezone.now(), until_at=None)


def remembered(key: str) -> str:
    """The header of a key that the doors know."""
    assert CALLERS.get(key, at=timezone.now()) is not None
    return f"Bearer {key}"


def calls(*, acts: bool) -> Iterator[tuple[str, Any]]:
    """Method and view of every call that needs a key; those that are acts, or the others."""
    for pattern in urlpatterns:
        view = getattr(pattern.callback, "cls", None)
        if view is not None and issubclass(view, CallView) and issubclass(view, ActView) == acts:
            methods = set(view.http_method_names) & {"get", "post", "put", "delete"}
            yield from ((method, view) for method in methods if hasattr(view, method))


def test_calls_that_are_no_act_ask_before_they_do_anything() -> None:
    header = remembered(channel().key)
    switch_off(Credential.objects.get())
    seen = set()
    for method, view in calls(acts=False):
        request = RequestFactory().generic(method.upper(), "/", headers={"authorization": header})
        assert view.as_view()(request).status_code == 401, (method, view)
        seen.add(view.__name__)
    assert seen >= {"PresentView", "PaperView", "ResidentView", "WalletView", "RedemptionsView"}


@pytest.fixture
def till() -> Api:
    return Api(till_key(cast.nanjing_road(), scopes=SCOPES), Client())


def authorised(till: Api) -> tuple[Redemption, dict[str, Any]]:
    """What a till authorised, and another order that it could send."""
    alice = cast.alice()
    first, second = issue_vouchers(open_campaign(timezone.now()), [alice] * 2, at=timezone.now())
    orders = [
        {
            "voucher": code_of(voucher),
            "store": cast.nanjing_road().external_id,
            "order_no": f"O-{number}",
            "order_amount_fen": 60_000,
            "resident": alice.external_id,
            "capture": False,
        }
        for number, voucher in enumerate((first, second))
    ]
    made = till.send("POST", "/redemptions", orders[0], **{"idempotency-key": "made"})
    assert made.status_code == 201, made.content
    return Redemption.objects.get(), orders[1]


@pytest.mark.parametrize("switched", [Credential, Terminal])
def test_acts_ask_in_their_own_transaction(
    till: Api, switched: type[Credential] | type[Terminal]
) -> None:
    made, order = authorised(till)
    of_made = {"store": order["store"], "order_no": made.order_no}
    amount = {"store": order["store"], "amount_fen": 1, "refund_no": "R-1"}
    sent: dict[str, tuple[str, Any]] = {
        "CaptureView": (f"/redemptions/{made.pk}/capture", {"order_amount_fen": 60_000}),
        "VoidView": (f"/redemptions/{made.pk}/void", None),
        "ReverseView": ("/redemptions/reverse", of_made),
        "RefundsView": (f"/redemptions/{made.pk}/refunds", amount),
        "QuoteView": ("/redemptions/quote", order),
        "RedemptionsView": ("/redemptions", order),
    }
    # Claims are tried beside their service.
    acts = sent.keys() - {"RedemptionsView"} | {"BatchView", "ClaimsView"}
    assert {view.__name__ for _, view in calls(acts=True)} == acts
    quoted = till.send("POST", *sent["QuoteView"])
    assert quoted.status_code == 200, quoted.content
    remembered(till.key)
    switch_off(switched.objects.get())
    for name, (path, body) in sent.items():
        answer = till.send("POST", path, body, **{"idempotency-key": name})
        assert answer.status_code == 401, (name, answer.content)
    batch = {"redemptions": [{"idempotency_key": "line", **order}]}
    lines = till.send("POST", "/redemptions/batch", batch).json()["redemptions"]
    assert [line["status"] for line in lines] == [401], lines
    assert [row.state for row in Redemption.objects.all()] == [made.state]
