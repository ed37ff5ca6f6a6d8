"""What every refusal code means: to HTTP, to a cashier in two languages, and who decided.

The one table. The handlers of both doors, the OpenAPI description and the documentation are made
from it.
"""

from collections.abc import Mapping

from merchants.errors import Refusal
from vouchers.errors.channel import CHANNEL
from vouchers.errors.integrator import INTEGRATOR
from vouchers.errors.manager import MANAGER
from vouchers.errors.meaning import Meaning
from vouchers.errors.operation import OPERATION
from vouchers.errors.registers import REGISTERS
from vouchers.errors.spoken import SpokenFacts
from vouchers.errors.till import TILL

CATALOGUE: Mapping[str, Meaning] = {
    meaning.code: meaning
    for meaning in (*INTEGRATOR, *TILL, *CHANNEL, *MANAGER, *OPERATION, *REGISTERS)
}


def explain(refusal: Refusal, language: str) -> str:
    """The refusal as a sentence, in `zh…` or else English."""
    wording = CATALOGUE[refusal.code].wording(refusal.rule)
    text = wording.zh if language.startswith("zh") else wording.en
    return text.format_map(SpokenFacts(refusal.facts, language))
