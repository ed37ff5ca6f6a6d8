"""The town that the browser looks at on the live screen, and what happens in it."""

import time
from dataclasses import dataclass
from http import HTTPStatus

from django.contrib.auth.models import User
from playwright.sync_api import Page

from tests.support.http_till import HttpTill, sent
from tests.support.web_server import Server
from vouchers.models import Campaign, Voucher

# A page sees a line as soon as it is drawn, not when a test looks again.
IS_DRAWN = "order => document.getElementById('alerts').textContent.includes(order)"


@dataclass(frozen=True)
class Town:
    """A running campaign whose rules notice every order, two tills, and people of the office."""

    server: Server
    campaign: Campaign
    till: HttpTill
    other_till: HttpTill
    mei: User
    auditor: User

    def redeem(
        self,
        number: int,
        *,
        till: HttpTill | None = None,
        server: Server | None = None,
        **change: object,
    ) -> int:
        """The status of an order on voucher `number`."""
        hand = till or self.till
        with (server or self.server).client() as client:
            return sent(
                client, hand.call(hand.order(number, **change), key=str(number))
            ).status_code

    def drawn_after_s(self, page: Page, number: int, *, server: Server | None = None) -> float:
        """How long after an order on voucher `number` was sent its alert is on a page."""
        began_s = time.monotonic()
        assert self.redeem(number, server=server) == HTTPStatus.CREATED
        page.wait_for_function(IS_DRAWN, arg=f"north{number:03d}", polling=10)
        return time.monotonic() - began_s


def main_pages(campaign: Campaign, draft: Campaign, user: User) -> list[str]:
    """The main pages, each of its own kind: lists, forms, figures, map, our own. The page of a case
    is looked at in `test_cases`, where there is one."""
    voucher = Voucher.objects.order_by("id")[0]
    return [
        "/admin/",
        "/admin/vouchers/voucher/",
        f"/admin/vouchers/voucher/{voucher.pk}/change/",
        "/admin/vouchers/voucher/hotline/",
        "/admin/vouchers/presentation/wrong-codes/",
        f"/admin/vouchers/campaign/{campaign.pk}/change/",
        f"/admin/vouchers/campaign/{campaign.pk}/history/",
        f"/admin/vouchers/campaign/{campaign.pk}/money/",
        f"/admin/vouchers/campaign/{campaign.pk}/map/",
        f"/admin/vouchers/campaign/{campaign.pk}/preview/",
        f"/admin/vouchers/campaign/{campaign.pk}/review/",
        f"/admin/vouchers/campaign/{draft.pk}/set_up/",
        f"/admin/vouchers/campaign/{draft.pk}/launch_list/",
        "/admin/vouchers/campaign/presets/",
        "/admin/vouchers/campaign/add/",
        "/admin/vouchers/case/",
        "/admin/vouchers/case/rules/",
        "/admin/vouchers/grant/",
        "/admin/vouchers/proposal/inbox/",
        f"/admin/auth/user/{user.pk}/change/",
        "/live/",
    ]
