"""Acts on one redemption of the caller's: what void and capture have in common."""

from abc import abstractmethod
from typing import TypeVar

from merchants.errors import Refusal
from vouchers.models import Redemption
from vouchers.queries.redemption import redemptions_of
from vouchers.services.acts import Act
from vouchers.services.acts.idempotency import order_lock_key
from vouchers.services.redemption.locked import LockedRedemption, lock_redemption
from vouchers.services.redemption.requests import RedemptionRequest

Request = TypeVar("Request", bound=RedemptionRequest)
Decision = TypeVar("Decision")


class RedemptionAct(Act[Request, Redemption, LockedRedemption, Decision]):
    """Locks the redemption and its limit counters; another merchant's is `not_found`."""

    def find(self, request: Request) -> Redemption | Refusal:
        found = redemptions_of(request.caller, redemption_id=request.redemption_id).first()
        return found or Refusal("not_found")

    def order_lock(self, request: Request, target: Redemption) -> int:
        return order_lock_of(target)

    def facts(self, request: Request, target: Redemption) -> LockedRedemption:
        locked = lock_redemption(redemption_id=target.pk, voucher_id=target.voucher_id)
        locked.lock_counters()
        return locked

    @abstractmethod
    def judge(self, request: Request, facts: LockedRedemption) -> Decision | Refusal: ...

    def redemption(self, facts: LockedRedemption) -> Redemption | None:
        return facts.redemption


def order_lock_of(redemption: Redemption) -> int:
    """The advisory key of a redemption's order; `redemption.store` is read."""
    return order_lock_key(store_no=redemption.store.external_id, order_no=redemption.order_no)
