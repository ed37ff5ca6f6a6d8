"""Under pytest-xdist every worker has servers of its own, as a checkout has.

Transaction ids and locks are the server's, not a database's: a seal waits for the oldest
transaction of any database, a race counts who waits for a lock, a crash test kills the server of
all. pytest loads this module with `-p`, before Django reads its settings.
"""

import os

from config import embedded

if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ["HUIMIN_LOCAL_DIR"] = str(embedded.local_dir() / worker)
