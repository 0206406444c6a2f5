"""Settings of both profiles, from environment variables. Defaults are safe and need no service: see docs/settings.md."""

import os
import secrets
from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


def flag(name: str, default: bool = False) -> bool:
    return os.environ.get(name, "1" if default else "0").lower() in {"1", "true", "yes", "on"}


def listed(name: str, default: str) -> list[str]:
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def secret_key(path: Path) -> str:
    """The key of this installation: from the environment, or made once and kept beside the database."""
    if given := os.environ.get("SECRET_KEY"):
        return given
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
    except FileExistsError:
        pass
    return path.read_text().strip()


def cache(url: str, folder: Path) -> dict[str, object]:
    """The cache at `url`. Both kinds count and claim atomically across processes, and neither unpickles: config/cache.py."""
    if url == "file://":
        return {
            "BACKEND": "config.cache.FolderCache",
            "LOCATION": folder,
            "OPTIONS": {"MAX_ENTRIES": 2_000},
        }
    if url.startswith(("redis://", "rediss://", "unix://")):
        limits = {"socket_connect_timeout": 2, "socket_timeout": 2}
        return {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": url,
            "KEY_PREFIX": "charter",
            "OPTIONS": {"serializer": "config.cache.JsonSerializer", **limits},
        }
    raise ImproperlyConfigured(f"CACHE_URL is file:// or redis://HOST/NUMBER, not {url!r}.")


CHARTER_HOME = Path(os.environ.get("CHARTER_HOME", BASE_DIR / "var")).resolve()
CHARTER_CACHE = Path(os.environ.get("CHARTER_CACHE", CHARTER_HOME / "cache")).resolve()

SECRET_KEY = secret_key(CHARTER_HOME / "secret.key")
DEBUG = flag("DEBUG")
ALLOWED_HOSTS = listed("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = listed("CSRF_TRUSTED_ORIGINS", "")
HTTPS = flag("HTTPS")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.admin",
    "rest_framework",
    "drf_spectacular",
    "csp",
    "governance.ledger",
    "governance.people",
    "governance.registry",
    "governance.reviews",
    "governance.releases",
    "governance",
    "training",
    "evals",
    "config",
    "config.demo",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "governance.views.context.chrome",
            ]
        },
    }
]

DATABASES = {
    "default": dj_database_url.parse(
        os.environ.get("DATABASE_URL", f"sqlite:///{CHARTER_HOME / 'charter.sqlite3'}"), conn_max_age=60
    )
}
SQLITE_OPTIONS = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;",
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    CHARTER_HOME.mkdir(parents=True, exist_ok=True)
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    # How often a connection runs one of the ledger's statements before the server keeps its plan; DATABASE_URL may say otherwise.
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("prepare_threshold", 2)

CACHES = {"default": cache(os.environ.get("CACHE_URL", "file://"), CHARTER_HOME / "cachefiles")}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "people.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = CHARTER_HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "config.assets.PackageAssets",
]
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "blobs": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": CHARTER_HOME / "blobs"},
    },
}


SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        # Plotly sets style attributes; scripts stay strict.
        "style-src": [SELF, UNSAFE_INLINE],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 2**20
# All rows that the editor's forms take (governance/admin/forms.py), with up to 30 fields each.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
# Largest upload that the API takes, in bytes; `manage.py register` has no limit.
CHARTER_UPLOAD_BYTES = int(os.environ.get("CHARTER_UPLOAD_BYTES", str(2 * 2**30)))
# How often something may be done in the shared cache's count, such as 600/m, 5/15m or off: see governance/people/throttle.py.
CHARTER_API_RATE = os.environ.get("CHARTER_API_RATE", "1200/m")
CHARTER_FAILURE_RATE = os.environ.get("CHARTER_FAILURE_RATE", "50/15m")
CHARTER_LOCKOUT = os.environ.get("CHARTER_LOCKOUT", "5/15m")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "governance.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser", "rest_framework.parsers.MultiPartParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "governance.api.pagination.Page",
    "EXCEPTION_HANDLER": "governance.api.problems.handler",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Charter",
    "DESCRIPTION": "Governance and audit of language-model post-training.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {
        "ActivityKindEnum": "governance.api.activities.KIND_NAMES",
        "WritableKindEnum": "governance.api.serializers.WRITABLE",
    },
}

LEDGER_ORIGIN = os.environ.get("LEDGER_ORIGIN", "charter.local/log")
LEDGER_DIR = CHARTER_HOME / "ledger"
# Whether anybody may follow the log at /ledger/checkpoint and /ledger/tile/: it shows timing and volume.
LEDGER_PUBLIC = flag("LEDGER_PUBLIC")
# An RFC 3161 timestamp authority that is asked for a token over a checkpoint each day, and its root certificates (PEM).
LEDGER_TSA_URL = os.environ.get("LEDGER_TSA_URL", "")
LEDGER_TSA_ROOTS = os.environ.get("LEDGER_TSA_ROOTS", "")

CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "filesystem://")
# How many training or evaluation jobs this host runs at once.
CHARTER_SLOTS = int(os.environ.get("CHARTER_SLOTS", "1"))
CHARTER_ENDPOINT_HOSTS = listed("CHARTER_ENDPOINT_HOSTS", "")
# Whether a dataset that comes in through a door is scanned by a worker.
CHARTER_SCAN_ON_REGISTER = flag("CHARTER_SCAN_ON_REGISTER", default=True)
# Seconds without a heartbeat after which a run's lease may be taken over.
RUN_LEASE_SECONDS = int(os.environ.get("RUN_LEASE_SECONDS", "30"))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s",
            "rename_fields": {"asctime": "at", "levelname": "level", "name": "logger"},
        },
        "plain": {"format": "%(levelname)s %(name)s: %(message)s"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": os.environ.get("LOG_FORMAT", "json")}
    },
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "WARNING")},
    "loggers": {"charter": {"level": os.environ.get("LOG_LEVEL", "INFO")}},
}
