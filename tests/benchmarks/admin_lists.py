"""Lists of the admin over a large database: first page, a page in the middle, searches.

Over the same rows as the audit's bench. The slowest page of a round counts, not the usual one: the
one that a person waits for. Of each page it is the best of a few, since others use the machine.
"""

import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Max, Min, Model
from django.test import Client, override_settings
from django.urls import reverse

from tests.benchmarks import audit
from tests.benchmarks.figures import Figure, under
from tests.support.till import code_of
from vouchers.admin.searches import ExactSearch
from vouchers.models import Redemption, Voucher

FIGURE = "admin_list_10m_ms"
MOST_MS = 300.0
TRIES = 3


def name_of(size: int) -> str:
    """The figure's name; another for a smaller database."""
    return FIGURE if size == audit.VOUCHERS else f"admin_list_{size}_ms"


@override_settings(ALLOWED_HOSTS=["*"], SECURE_SSL_REDIRECT=False)
def measure(*, rounds: int, on_progress: Callable[[str], None]) -> Figure:
    """Milliseconds of the slowest page of each round, in the database as it stands."""
    client = Client()
    client.force_login(User.objects.create_superuser("bench"))
    wanted = list(_pages())
    for address, given in wanted:  # statements and templates are prepared
        client.get(address, given)
    worst_ms = []
    for number in range(rounds):
        best_ms = {
            (address, *given.items()): min(_took_ms(client, address, given) for _ in range(TRIES))
            for address, given in wanted
        }
        took = sorted(best_ms.items(), key=lambda it: -it[1])
        worst_ms.append(took[0][1])
        on_progress(f"{FIGURE}: round {number + 1} of {len(wanted)} pages")
        for page, ms in took[:3]:
            on_progress(f"{ms:8.1f} ms {' '.join(map(str, page))}")
    return under(worst_ms, MOST_MS, unit="ms", goal="≤ 1")


def _pages() -> Iterator[tuple[str, dict[str, Any]]]:
    """Address and parameters of each page."""
    redemption = Redemption.objects.order_by("-id")[0]
    voucher = Voucher.objects.order_by("-id")[0]
    day = f"{redemption.store.external_id} {redemption.business_day}"
    terms = [
        code_of(voucher),
        redemption.order_no,
        redemption.pk,
        voucher.resident.external_id,
        day,
    ]
    for model in admin.site._registry:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        yield address, {}
        if not isinstance(admin.site._registry[model], ExactSearch):
            continue
        middle = _middle(model)
        if middle is not None:
            yield address, {"after": middle}
        for term in terms:
            yield address, {"q": str(term)}


def _middle(model: type[Model]) -> int | None:
    """A key half-way between the first and the last; None where keys are no numbers."""
    ends = model._default_manager.aggregate(least=Min("pk"), most=Max("pk"))
    least, most = ends["least"], ends["most"]
    return (least + most) // 2 if isinstance(least, int) else None


def _took_ms(client: Client, address: str, given: dict[str, Any]) -> float:
    began_s = time.perf_counter()
    answer = client.get(address, given)
    took_ms = 1_000 * (time.perf_counter() - began_s)
    assert answer.status_code == HTTPStatus.OK, (address, given)
    return took_ms
