"""Settings of the browser tests' servers: static files as they lie, kept by browsers as in
production, where their names hold their hashes."""

from config.settings import *  # noqa: F403

WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 3_600
