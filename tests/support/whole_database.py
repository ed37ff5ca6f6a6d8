"""Whether anything at all has changed: a digest of every row of the project's tables."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

TABLES = """
SELECT c.relname FROM pg_class c
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
   AND NOT c.relispartition AND c.relname ~ '^(merchants_|vouchers_|auth_|django_admin_log$)'
 ORDER BY 1
"""


def digests() -> dict[str, str]:
    """By table the MD5 over all its rows, whatever their order."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        tables = [name for (name,) in cursor.fetchall()]
        found = {}
        for name in tables:
            cursor.execute(
                f"SELECT md5(string_agg(row, '' ORDER BY row))"
                f" FROM (SELECT md5(t::text) AS row FROM {name} t) AS rows"
            )
            (found[name],) = cursor.fetchone()
    return found


@contextmanager
def nothing_changes() -> Iterator[None]:
    """Asserts at the end that no row of any table came, went or changed."""
    before = digests()
    assert before
    yield
    after = digests()
    assert {name for name in before if before[name] != after[name]} == set()
