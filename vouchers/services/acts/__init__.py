"""The kernel of every act on money: claim the key, lock, read, judge, write, store the answer."""

from vouchers.services.acts.answers import ActRequest, Answer, Render
from vouchers.services.acts.idempotency import BUSY, OUTCOME_UNKNOWN, answer_all
from vouchers.services.acts.kernel import Act, perform
from vouchers.services.acts.retry import in_one_transaction

__all__ = [
    "BUSY",
    "OUTCOME_UNKNOWN",
    "Act",
    "ActRequest",
    "Answer",
    "Render",
    "answer_all",
    "in_one_transaction",
    "perform",
]
