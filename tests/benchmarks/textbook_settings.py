"""Settings of the textbook: the product's, with the middleware of `startproject` and its own URL.

Its connections are left as Django makes them, but for being kept open as the product's are.
"""

from config.settings import *  # noqa: F403
from config.settings import DATABASES as PRODUCT_DATABASES

ROOT_URLCONF = "tests.benchmarks.textbook_api"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
DATABASES = {
    **PRODUCT_DATABASES,
    "default": {**PRODUCT_DATABASES["default"], "OPTIONS": {}},
}
