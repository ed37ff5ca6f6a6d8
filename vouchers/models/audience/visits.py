"""Who used a voucher at the merchants of a campaign, and when last."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from vouchers.rules.audience.conditions import Visits
from vouchers.sql.statements import Statement
from vouchers.states import RedemptionState

_LIVE: Final = f"({RedemptionState.AUTHORISED.value}, {RedemptionState.CAPTURED.value})"

# Under any campaign: those of a resident are all live or all of the sandbox. Some residents'
# redemptions are found by their vouchers, everyone's are read once.
_READ_VISITS: Final = """
    SELECT string_agg(int8send(resident_id), ''::bytea ORDER BY resident_id),
           string_agg(timestamptz_send(last_at), ''::bytea ORDER BY resident_id)
      FROM (
          SELECT r.resident_id, max(r.redeemed_at) AS last_at
            FROM {source}
           WHERE r.state IN {live} AND r.redeemed_at <= %(at)s {which}
             AND r.merchant_id IN (SELECT s.merchant_id FROM vouchers_campaignstore p
                                     JOIN merchants_store s ON s.id = p.store_id
                                    WHERE p.campaign_id = %(campaign_id)s)
           GROUP BY r.resident_id
      ) AS visits
"""


def _visits(row: Sequence[Any]) -> Visits:
    return Visits(*(np.frombuffer(packed or b"", ">i8").astype(np.int64) for packed in row))


READ_VISITS = Statement(
    _READ_VISITS.format(source="vouchers_redemption r", live=_LIVE, which=""),
    _visits,
    is_binary=True,
)
READ_VISITS_OF = Statement(
    _READ_VISITS.format(
        source="vouchers_voucher v JOIN vouchers_redemption r ON r.voucher_id = v.id",
        live=_LIVE,
        which="AND v.resident_id = ANY (%(resident_ids)s::bigint[])",
    ),
    _visits,
    is_binary=True,
)
