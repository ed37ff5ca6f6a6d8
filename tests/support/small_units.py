"""What a Celery worker includes to work in the smallest units, a little slowly.

Runs are cut into parts of one block and shards of one voucher, and between a lease and its work
there is time for something to happen. Importing it changes the process's services.
"""

import time
from collections.abc import Callable
from functools import partial, wraps
from typing import ParamSpec, TypeVar
from unittest.mock import patch

from vouchers.services.audience import parts, targeting
from vouchers.services.issuing import leases, runs

Asked = ParamSpec("Asked")
Lease = TypeVar("Lease")

LAG_S = 0.03


def late(lease: Callable[Asked, Lease]) -> Callable[Asked, Lease]:
    """The lease, some time after it was taken."""

    @wraps(lease)
    def lease_and_lag(*asked: Asked.args, **named: Asked.kwargs) -> Lease:
        taken = lease(*asked, **named)
        time.sleep(LAG_S)
        return taken

    return lease_and_lag


for module, name, changed in (
    (targeting, "plan_targeting", partial(targeting.plan_targeting, part_blocks=1)),
    (runs, "reserve_run", partial(runs.reserve_run, shard_size=1)),
    (leases, "lease_run", late(leases.lease_run)),
    (leases, "lease_shard", late(leases.lease_shard)),
    (parts, "lease_part", late(parts.lease_part)),
):
    patch.object(module, name, changed).start()
