"""Settings of both profiles, from environment variables. Defaults are safe and need no service: see docs/settings.md."""

import os
import secrets
from pathlib import Path
from urllib.parse import unquote, urlsplit

import dj_database_url
from csp.constants import NONE, SELF, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


def flag(name: str, default: bool = False) -> bool:
    return os.environ.get(name, "1" if default else "0").lower() in {"1", "true", "yes", "on"}


def listed(name: str, default: str) -> list[str]:
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def mapped(name: str, text: str) -> dict[str, str]:
    """`theirs=ours,…` as a dictionary."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if wrong := [theirs for theirs, _, ours in pairs if not ours.strip()]:
        raise ImproperlyConfigured(f"{name} is theirs=ours,…; {wrong[0].strip()!r} is nothing here.")
    return {theirs.strip(): ours.strip() for theirs, _, ours in pairs}


def origin(url: str) -> str:
    """Scheme, host and port of the provider at `url`. Only a provider on this machine may be asked without TLS."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise ImproperlyConfigured(f"CHARTER_OIDC_URL is https://…, not {url!r}.")
    return f"{parts.scheme}://{parts.netloc}"


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


def mail(url: str) -> dict[str, object]:
    """Django's settings for the mail server at `url`; without one no mail leaves."""
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    place = urlsplit(url)
    if place.scheme not in {"smtp", "smtps", "smtp+tls"} or not place.hostname:
        raise ImproperlyConfigured(
            f"CHARTER_EMAIL_URL is smtp://, smtps:// or smtp+tls://USER:PASSWORD@HOST:PORT, not {place.scheme}://."
        )
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": place.hostname,
        "EMAIL_PORT": place.port or {"smtps": 465, "smtp+tls": 587}.get(place.scheme, 25),
        "EMAIL_HOST_USER": unquote(place.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(place.password or ""),
        "EMAIL_USE_SSL": place.scheme == "smtps",
        "EMAIL_USE_TLS": place.scheme == "smtp+tls",
    }


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
    "governance.cards",
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
    "governance.people.sessions.Signed",
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
# Groups whose members decide only after they showed a second factor in the session: governance/people/permissions.py.
CHARTER_TOTP_REQUIRED_FOR = listed("CHARTER_TOTP_REQUIRED_FOR", "")
# Whether anybody may read published cards at /public/, and object to them; days within which an objection is answered.
CHARTER_PUBLIC_CARDS = flag("CHARTER_PUBLIC_CARDS")
CHARTER_OBJECTION_DAYS = int(os.environ.get("CHARTER_OBJECTION_DAYS", "30"))
CHARTER_OBJECTION_RATE = os.environ.get("CHARTER_OBJECTION_RATE", "5/h")
CHARTER_OBJECTION_TOTAL = os.environ.get("CHARTER_OBJECTION_TOTAL", "200/24h")

# Single sign-on through one OpenID Connect provider, by django-allauth, which is loaded only with it: see docs/security.md.
CHARTER_OIDC_URL = os.environ.get("CHARTER_OIDC_URL", "").rstrip("/")
CHARTER_OIDC_NAME = os.environ.get("CHARTER_OIDC_NAME", "single sign-on")
CHARTER_OIDC_PROVIDER = "sso"
CHARTER_OIDC_DOMAINS = listed("CHARTER_OIDC_DOMAINS", "")
CHARTER_OIDC_LINK_BY_EMAIL = flag("CHARTER_OIDC_LINK_BY_EMAIL")
CHARTER_OIDC_GROUPS_CLAIM = os.environ.get("CHARTER_OIDC_GROUPS_CLAIM", "")
CHARTER_OIDC_GROUPS = mapped("CHARTER_OIDC_GROUPS", os.environ.get("CHARTER_OIDC_GROUPS", ""))
if CHARTER_OIDC_URL:
    INSTALLED_APPS += [
        "allauth",
        "allauth.account",
        "allauth.socialaccount",
        "allauth.socialaccount.providers.openid_connect",
    ]
    MIDDLEWARE.append("allauth.account.middleware.AccountMiddleware")
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"].append(origin(CHARTER_OIDC_URL))
    ACCOUNT_ADAPTER, SOCIALACCOUNT_ADAPTER = (
        "governance.views.sso.AccountAdapter",
        "governance.views.sso.SocialAdapter",
    )
    ACCOUNT_EMAIL_VERIFICATION = SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
    ACCOUNT_RATE_LIMITS = False
    SOCIALACCOUNT_LOGIN_ON_GET = True
    SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [
                {
                    "provider_id": CHARTER_OIDC_PROVIDER,
                    "name": CHARTER_OIDC_NAME,
                    "client_id": os.environ.get("CHARTER_OIDC_CLIENT_ID", ""),
                    "secret": os.environ.get("CHARTER_OIDC_SECRET", ""),
                    "settings": {"server_url": CHARTER_OIDC_URL},
                }
            ],
        }
    }

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
        "EmergencyKindEnum": "governance.api.emergency.EMERGENCY_KINDS",
        "RuntimeKindEnum": "governance.api.serving.RUNTIME_KINDS",
        "WritableKindEnum": "governance.api.serializers.WRITABLE",
    },
}

# Hours within which a second person is to review what one did at a runtime without waiting.
CHARTER_BREAK_GLASS_HOURS = int(os.environ.get("CHARTER_BREAK_GLASS_HOURS", "24"))
# Whether POST /api/v1/identity/verify/ answers anybody, about releases and models that are not restricted.
CHARTER_PUBLIC_IDENTITY = flag("CHARTER_PUBLIC_IDENTITY")

# The longest that a waiver of a gate rule may hold.
CHARTER_WAIVER_DAYS = int(os.environ.get("CHARTER_WAIVER_DAYS", "90"))

LEDGER_ORIGIN = os.environ.get("LEDGER_ORIGIN", "charter.local/log")
LEDGER_DIR = CHARTER_HOME / "ledger"
# Whether anybody may follow the log at /ledger/checkpoint and /ledger/tile/: it shows timing and volume.
LEDGER_PUBLIC = flag("LEDGER_PUBLIC")
# An RFC 3161 timestamp authority that is asked for a token over a checkpoint each day, and its root certificates (PEM).
LEDGER_TSA_URL = os.environ.get("LEDGER_TSA_URL", "")
LEDGER_TSA_ROOTS = os.environ.get("LEDGER_TSA_ROOTS", "")

# Who must approve what, in place of governance/reviews/requirements.yaml; and days after which a review has waited for long.
CHARTER_REVIEW_REQUIREMENTS = os.environ.get("CHARTER_REVIEW_REQUIREMENTS", "")
CHARTER_REVIEW_STALE_DAYS = int(os.environ.get("CHARTER_REVIEW_STALE_DAYS", "7"))
# Where browsers find this installation, for links in mails; the mail server, and whom its mails come from.
CHARTER_URL = os.environ.get("CHARTER_URL", "").rstrip("/")
vars().update(mail(os.environ.get("CHARTER_EMAIL_URL", "")))
DEFAULT_FROM_EMAIL = os.environ.get("CHARTER_EMAIL_FROM", "charter@localhost")
EMAIL_TIMEOUT = 20

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
