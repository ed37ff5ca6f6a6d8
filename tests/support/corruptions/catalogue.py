"""Corruptions of the books by the owner of the schema, and the audit checks that find them.

By name of the corruption: the SQL statement, and exactly the checks that it breaks. The books are
those of `healthy_book`, `campaign_with_history`, `claimed_campaign` and `watched_campaign` in
`tests.support`.
"""

from tests.support.corruptions import claims, limits, money, rows

CORRUPTIONS = {**money.CORRUPTIONS, **rows.CORRUPTIONS, **limits.CORRUPTIONS, **claims.CORRUPTIONS}
