"""The magic amounts of the sandbox, from the rule that decides them."""

from docs.generated.language import Language, pick
from docs.generated.markdown import code, table
from vouchers.errors import CATALOGUE
from vouchers.money import yuan
from vouchers.rules.redemption.sandbox import FORCED


def amounts(language: Language) -> str:
    """A line for each: the amount, the code it forces and its rule."""
    heads = pick(
        language,
        "`order_amount_fen`|as money|HTTP|code|rule",
        "`order_amount_fen`|金额|HTTP|代码|规则",
    ).split("|")
    return table(
        heads,
        (
            (
                code(str(it.amount_fen)),
                yuan(it.amount_fen),
                str(CATALOGUE[it.code].status),
                code(it.code),
                code(it.rule) if it.rule else "",
            )
            for it in FORCED
        ),
    )
