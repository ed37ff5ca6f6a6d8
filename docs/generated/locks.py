"""The order of locks, from the module that takes them."""

from docs.generated.chinese import translated
from docs.generated.language import Language
from vouchers.models import locks


def names() -> list[str]:
    """The classes in their order, as the module's documentation lists them."""
    text = " ".join((locks.__doc__ or "").split())
    listed = text.partition("one order: ")[2].partition(", and within")[0]
    return listed.split(" → ")


def order(language: Language) -> str:
    """A numbered list."""
    return "\n".join(f"{n}. {translated(name, language)}" for n, name in enumerate(names(), 1))
