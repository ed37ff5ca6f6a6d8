"""What stores are called, for documents that have only their numbers."""

from collections.abc import Collection

from merchants.models import Store


def store_names(numbers: Collection[str]) -> dict[tuple[str, str], str]:
    """The names of today by merchant and number, of all stores that have one of the numbers."""
    if not numbers:
        return {}
    rows = Store.objects.filter(external_id__in=numbers)
    return {
        (merchant, number): name
        for merchant, number, name in rows.values_list("merchant__code", "external_id", "name")
    }
