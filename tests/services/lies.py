"""What somebody with the owner's rights could do to the books, and who notices.

Per lie the statement that tells it, and exactly the checks of the audit that it breaks. The books
are those of `tests.books.healthy_book` and `tests.lived.lived_campaign`.
"""

from tests.services import lies_on_limits, lies_on_money, lies_on_rows

LIES = {**lies_on_money.LIES, **lies_on_rows.LIES, **lies_on_limits.LIES}
