"""Mutations of what tills may ask for: orders sent later, and numbers asked of an order."""

from tests.mutations.mutation import Mutation, source

OF_TILLS: tuple[Mutation, ...] = (
    source(
        "an order of any age",
        5,
        "an order taken offline is accepted however late it is sent",
        "vouchers/rules/redemption/redeem.py",
        "    if at - occurred_at > case.greatest_age:\n",
        "    if at - occurred_at > 10 * case.greatest_age:\n",
        "tests/services/redemption/test_offline.py",
    ),
    source(
        "a line of another request",
        7,
        "a line of a batch is not the single call under its key",
        "vouchers/http/batches.py",
        "            key = fields.pop(KEY_FIELD, None)\n",
        "            key = fields.get(KEY_FIELD)\n",
        "tests/http/test_batches.py",
    ),
    source(
        "an order shown nowhere",
        9,
        "where a voucher is shown is not judged, in whichever call it is sent",
        "vouchers/http/redemption.py",
        "shown_at=wgs84(order.longitude, order.latitude, order.datum)",
        "shown_at=None",
        "tests/services/redemption/test_quote.py::TestRiskRules",
    ),
    source(
        "a shared device named",
        8,
        "a till reads that it was a device, a phone or a card that had reached its limit",
        "vouchers/errors/meaning.py",
        "        return self.answered_as.get(rule, rule)\n",
        "        return rule\n",
        "tests/http/test_answers.py",
    ),
    source(
        "a capture without its number",
        5,
        "a capture does not ask for the numbers that the campaign does",
        "vouchers/services/redemption/capture.py",
        "        refusal = refusal or missing_number(order, facts.terms.facts)\n",
        "",
        "tests/services/redemption/test_order_numbers.py",
    ),
)
