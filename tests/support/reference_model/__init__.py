"""The engine as a few lists in memory: what must be true of its books, worked out from scratch.

Nothing is added up as it goes along. Every figure is summed anew from the things themselves, and no
amount is taken from the rules of the engine, so that the model can only be wrong in ways the engine
is not.
"""

from tests.support.reference_model.budget import Change, Model
from tests.support.reference_model.money import Cap, Waiting, Watch
from tests.support.reference_model.things import (
    Batch,
    Claim,
    Code,
    Order,
    Refund,
    Round,
    Settlement,
    Tier,
    Use,
    Voucher,
)
from tests.support.reference_model.tills import LIMITS

__all__ = [
    "LIMITS",
    "Batch",
    "Cap",
    "Change",
    "Claim",
    "Code",
    "Model",
    "Order",
    "Refund",
    "Round",
    "Settlement",
    "Tier",
    "Use",
    "Voucher",
    "Waiting",
    "Watch",
]
