"""Settings of Huimin, one file for every environment. Addresses are computed here; nothing starts.

Without DATABASE_URL the installation is local: embedded servers (`config/embedded.py`) and secrets
made once under the local directory. With it the installation is a production system: a missing
secret or host list stops the program, and cookies and redirects require HTTPS.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from config import embedded, env
from config.theme import UNFOLD as UNFOLD

HUIMIN_LOCAL_DIR = embedded.local_dir()
BASE_DIR = Path(__file__).resolve().parent.parent

DATABASE_URL = env.text("DATABASE_URL")
DATABASE_OWNER_URL = env.text("DATABASE_OWNER_URL", DATABASE_URL)
REDIS_URL = env.text("REDIS_URL") or embedded.valkey_url(HUIMIN_LOCAL_DIR)

HUIMIN_CELL = env.slug("HUIMIN_CELL", "main")
"""Name of this city among others: in keys, voucher codes, seals, settlement files and packs."""
HUIMIN_MAP_APPROVAL_NO = env.text("HUIMIN_MAP_APPROVAL_NO")
HUIMIN_TILE_URL = env.tile_url("HUIMIN_TILE_URL")
HUIMIN_TILE_DATUM = env.choice(
    "HUIMIN_TILE_DATUM", ("WGS-84", "GCJ-02"), needed=bool(HUIMIN_TILE_URL)
)
HUIMIN_TILE_ATTRIBUTION = env.text("HUIMIN_TILE_ATTRIBUTION")

DEBUG = env.flag("DEBUG", default=False)
LOCAL = DEBUG or not DATABASE_URL

# Secrets

SECRET_NAMES = ("SECRET_KEY", "HUIMIN_CODE_KEY", "HUIMIN_PII_KEY")
_missing = [name for name in SECRET_NAMES if not env.text(name)]
_made = (
    env.local_secrets(HUIMIN_LOCAL_DIR / "secrets.env", SECRET_NAMES) if LOCAL and _missing else {}
)
_secrets = {name: env.text(name) or _made.get(name) or env.secret(name) for name in SECRET_NAMES}

SECRET_KEY = _secrets["SECRET_KEY"]
HUIMIN_CODE_SECRET = env.key("HUIMIN_CODE_KEY", _secrets["HUIMIN_CODE_KEY"])
HUIMIN_CODE_KEY = env.code_key(HUIMIN_CODE_SECRET, cell=HUIMIN_CELL)
"""HMAC key of the check digits in voucher codes; cells that share the secret differ in it."""
HUIMIN_PII_KEY = env.key("HUIMIN_PII_KEY", _secrets["HUIMIN_PII_KEY"])
"""Key of the hashes and of the encryption of personal data."""

HUIMIN_APPROVERS = env.thresholds("HUIMIN_APPROVERS", (100_000_000, 500_000_000))
"""Amounts in yuan from which a second and a third person must approve."""
HUIMIN_WRONG_CODES = env.integer("HUIMIN_WRONG_CODES", 30, least=1)
"""Wrong codes in an hour before a till is slowed down."""

# Applications

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "config.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pgtrigger",
    "health_check",
    "django_structlog",
    "csp",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "merchants",
    "vouchers",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.policies.PolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "vouchers.api.throttle.call_headers",
    "django_structlog.middlewares.RequestMiddleware",
    # Last: it answers in place of a view that has found the caller locked out.
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Databases

LOCAL_ADDRESS = {
    "HOST": embedded.postgres_host(HUIMIN_LOCAL_DIR),
    "PORT": str(embedded.PORT),
    "NAME": embedded.DATABASE,
}


# A client whose machine is gone keeps its row locks until PostgreSQL notices: after 5 + 3 × 2 s.
KEEPALIVE = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"


def database(url_name: str, url: str, local_role: str, **options: Any) -> dict[str, Any]:
    """One entry of DATABASES: `url` if it is given, else the embedded server as `local_role`."""
    options = {"options": " ".join((KEEPALIVE, options.pop("options", ""))).strip(), **options}
    common = {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }
    if not url:
        return common | LOCAL_ADDRESS | {"USER": local_role, "OPTIONS": options}
    if urlsplit(url).scheme not in {"postgresql", "postgres"}:
        raise ImproperlyConfigured(f"{url_name} must begin with postgresql://.")
    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError:
        raise ImproperlyConfigured(
            f"{url_name} is not an address PostgreSQL understands."
        ) from None
    fields = {"HOST": "host", "PORT": "port", "NAME": "dbname", "USER": "user"}
    address = {field: str(parts.pop(name, "")) for field, name in fields.items()}
    address["PASSWORD"] = str(parts.pop("password", ""))
    if "options" in parts:
        options["options"] = f"{parts.pop('options')} {options['options']}"
    return common | address | {"OPTIONS": parts | options}


DATABASES = {
    # The services' role owns nothing. Its statements are few and hot, so `vouchers/sql` prepares
    # them at once and they are planned once; a plan made for one parameter value would be no better
    # for the next. psycopg itself prepares nothing, as is Django's default.
    "default": database(
        "DATABASE_URL",
        DATABASE_URL,
        embedded.APP_ROLE,
        options="-c plan_cache_mode=force_generic_plan",
    ),
    # The role that owns the schema, for migrations alone.
    "owner": database("DATABASE_OWNER_URL", DATABASE_OWNER_URL, embedded.OWNER_ROLE),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Celery: messages are wake-ups, the queue is a table; so no result backend and late acknowledgement


def broker_url(redis_url: str) -> str:
    """The same server in Celery's spelling, which differs for Unix sockets."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    number = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.path}?virtual_host={number}"


CELERY_BROKER_URL = broker_url(REDIS_URL)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = "huimin"

# Language and time

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Chinese")), ("en", _("English"))]
# config/locale holds the strings of Unfold, which ships none in Chinese.
LOCALE_PATHS = [BASE_DIR / app / "locale" for app in ("vouchers", "merchants", "config")]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
FORMAT_MODULE_PATH = "config.formats"
# The hours of beat are hours of the day here.
CELERY_TIMEZONE = TIME_ZONE

# Files

STATIC_URL = "static/"
STATIC_ROOT = None if LOCAL else env.text("STATIC_ROOT", str(HUIMIN_LOCAL_DIR / "static"))
MEDIA_ROOT = HUIMIN_LOCAL_DIR / "media"
WHITENOISE_USE_FINDERS = LOCAL
HUIMIN_ARCHIVE_DIR = Path(env.text("HUIMIN_ARCHIVE_DIR", str(HUIMIN_LOCAL_DIR / "archive")))
"""Where the requests go that are older than this; see services/redemption/archives."""
HUIMIN_REQUEST_RETENTION = timedelta(
    days=env.integer("HUIMIN_REQUEST_RETENTION_DAYS", 180, least=30)
)
HUIMIN_OFFLINE_MAX_AGE = timedelta(hours=env.integer("HUIMIN_OFFLINE_HOURS", 72, least=0))
"""How old an order may be that a till took offline and sends later."""
HUIMIN_WEBHOOK_NETWORKS = env.networks("HUIMIN_WEBHOOK_NETWORKS")
"""Private networks that webhooks may reach all the same."""
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if LOCAL
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# E-mail: smtp://, submission:// (STARTTLS) or smtps://; into files where no server is given

EMAIL_URL = env.text("EMAIL_URL")
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "huimin@localhost")
EMAIL_TIMEOUT = 20
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_URL else 'filebased'}.EmailBackend"
EMAIL_FILE_PATH = HUIMIN_LOCAL_DIR / "mail"
if EMAIL_URL:
    locals().update(env.mail_server("EMAIL_URL", EMAIL_URL))

# Security

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", LOCAL_HOSTS if LOCAL else ())
if not ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS is not set: name the hosts this service answers for.")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=not LOCAL)
SECURE_HSTS_SECONDS = env.integer("SECURE_HSTS_SECONDS", 0 if LOCAL else 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.flag("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=not LOCAL)
SECURE_HSTS_PRELOAD = env.flag("SECURE_HSTS_PRELOAD", default=not LOCAL)
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https")
    if env.flag("TRUST_X_FORWARDED_PROTO", default=False)
    else None
)
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = env.flag("SESSION_COOKIE_SECURE", default=not LOCAL)
CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SESSION_COOKIE_SECURE
CSRF_FAILURE_VIEW = "vouchers.pages.unread.from_before"
CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 8 * 60 * 60
X_FRAME_OPTIONS = "DENY"

# Signing in: failures are counted in PostgreSQL, per name and address in the first place. The two
# wider limits stop one name being tried from many addresses, and many names from one, and leave
# room for a bureau of people behind a single address.

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "vouchers.pages.signin.backend.GrantBackend",
]
SIGN_IN_LIMITS = {("username", "ip_address"): 5, ("username",): 50, ("ip_address",): 100}
"""Failures within AXES_COOLOFF_TIME that end further attempts, by what they have in common."""
HUIMIN_PROXIES = env.integer("HUIMIN_PROXIES", 0)
"""How many proxies of the operator stand between the callers and this service."""
AXES_HANDLER = "vouchers.pages.signin.throttle.SignInHandler"
AXES_CLIENT_IP_CALLABLE = "vouchers.http.addresses.client_address"
AXES_USERNAME_CALLABLE = "vouchers.pages.signin.throttle.username_of"
AXES_LOCKOUT_CALLABLE = "vouchers.pages.signin.throttle.locked_out"
AXES_LOCKOUT_PARAMETERS = [list(names) for names in SIGN_IN_LIMITS]
AXES_FAILURE_LIMIT = 1  # of the limits above, each with its own number
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ADMIN = False  # its pages are not Unfold's
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "code", "csrfmiddlewaretoken"]
AXES_VERBOSE = False

HUIMIN_SECOND_FACTOR_ROLES = frozenset(
    env.words(
        "HUIMIN_SECOND_FACTOR_ROLES", () if LOCAL else ("approver", "risk officer", "superuser")
    )
) - {"none"}
"""Roles that sign in with a second factor; others may have one."""
OTP_TOTP_ISSUER = "Huimin" if HUIMIN_CELL == "main" else f"Huimin {HUIMIN_CELL}"

LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# API

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["vouchers.api.throttle.LoadSheddingThrottle"],
    "EXCEPTION_HANDLER": "vouchers.api.errors.handle",
    "UNAUTHENTICATED_USER": None,
}
HUIMIN_RATE_LIMITS = {
    "terminal": env.integer("HUIMIN_TERMINAL_RATE_LIMIT", 1_200),
    "other": env.integer("HUIMIN_RATE_LIMIT", 120_000),
}
"""Requests a minute with one key, by kind of caller; 0: not limited. See http/shedding."""
SPECTACULAR_SETTINGS = {
    "TITLE": "Huimin 惠民",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "vouchers.api.schema.state_requirements",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# Logs: one JSON object a line, without request bodies or addresses of people

DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_CELERY_ENABLED = True
# The name that `vouchers.api.throttle.call_headers` has given the request.
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True
LOG_LEVEL = env.text("LOG_LEVEL", "WARNING" if LOCAL else "INFO").upper()
_shared_processors: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _shared_processors,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": LOG_LEVEL, "propagate": False},
        "httpx": {"level": "WARNING"},  # the addresses of recipients stay out of the logs
        "django.server": {"handlers": ["stderr"], "level": LOG_LEVEL, "propagate": False},
    },
}
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_shared_processors,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
