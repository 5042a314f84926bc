"""All settings, each from an environment variable; README.md has the table."""

import os
import sys
from pathlib import Path

import dj_database_url
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("TRUCKROLL_VAR", BASE_DIR / "var"))


def env_flag(name: str, default: bool = False) -> bool:
    return os.environ.get(name, str(default)).lower() in ("1", "true", "yes", "on")


def env_list(name: str, default: str = "") -> list[str]:
    return [item.strip() for item in os.environ.get(name, default).split(",") if item.strip()]


TESTING = "pytest" in sys.modules
DEBUG = env_flag("DEBUG")
SECRET_KEY = os.environ.get("SECRET_KEY", "")
if not SECRET_KEY:
    if not (DEBUG or TESTING):
        raise ImproperlyConfigured("Set SECRET_KEY to a long random string ('make demo' makes its own).")
    SECRET_KEY = "only-for-development-and-tests-" + "x" * 32
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "config.apps.TruckrollAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.forms",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "axes",
    "channels",
    "csp",
    "django_filters",
    "django_htmx",
    "django_rq",
    "guardian",
    "leaflet",
    "template_partials",
    "zones",
    "technicians",
    "sla",
    "dispatch",
]

MIDDLEWARE = [
    "config.logs.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "dispatch.middleware.HtmxLoginMiddleware",
    "axes.middleware.AxesMiddleware",
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
                "csp.context_processors.nonce",
                "dispatch.context_processors.frame",
            ],
        },
    }
]

# Database ---------------------------------------------------------------------------------------

DATABASES = {"default": dj_database_url.parse(os.environ.get("DATABASE_URL") or f"sqlite:///{VAR_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE takes the write lock at BEGIN, so that writers wait for each other instead of failing half-way.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    # A file, so that servers in other processes can share the tests' database.
    DATABASES["default"]["TEST"] = {"NAME": f"{DATABASES['default']['NAME']}.test"}
else:
    # Every request runs in a thread of its own: a pool shares connections where CONN_MAX_AGE cannot.
    DATABASES["default"]["OPTIONS"] = {
        "pool": {"min_size": 1, "max_size": int(os.environ.get("DATABASE_POOL_SIZE", "20")), "timeout": 10}
    }
    # For a menu of 200 names they only cost two more round trips, and poolers such as PgBouncer cannot have them.
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis: live events and background work ---------------------------------------------------------

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            # A dead Redis must be noticed at once: retrying here would hold up the request that publishes.
            "hosts": [{"address": REDIS_URL, "retry": Retry(NoBackoff(), 0), "socket_connect_timeout": 1}]
        },
    }
}
RQ_QUEUES = {name: {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 360} for name in ("default", "planning", "background")}
RQ = {"DEFAULT_RESULT_TTL": 3600, "WORKER_CLASS": "config.worker.PromptWorker"}
LIVE_HEARTBEAT_SECONDS = float(os.environ.get("LIVE_HEARTBEAT_SECONDS", "3"))

# E-mail: without a host none is sent, and the pages say so --------------------------------------

EMAIL_HOST = os.environ.get("EMAIL_HOST", "")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "587"))
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env_flag("EMAIL_USE_TLS", EMAIL_PORT == 587)
EMAIL_TIMEOUT = 20
SITE_URL = os.environ.get("SITE_URL", "").rstrip("/")  # what links in e-mails begin with; without it they have none
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "truckroll@localhost")

# Customers: whose name they read, whom they call, and how text messages reach them ---------------

COMPANY_NAME = os.environ.get("COMPANY_NAME", "Truckroll")
COMPANY_PHONE = os.environ.get("COMPANY_PHONE", "")
CLOCK_12_HOURS = env_flag("CLOCK_12_HOURS")  # customers read “2:05 pm” instead of “14:05”
SMS_BACKEND = os.environ.get("SMS_BACKEND", "dispatch.sms.Console")  # empty: no text messages at all
SMS_GATEWAY_URL = os.environ.get("SMS_GATEWAY_URL", "")  # of dispatch.sms.HttpGateway
SMS_GATEWAY_TOKEN = os.environ.get("SMS_GATEWAY_TOKEN", "")

# Web Push: without a key it is off, and the pages say so ----------------------------------------

VAPID_PRIVATE_KEY = os.environ.get("VAPID_PRIVATE_KEY", "")
VAPID_SUBJECT = os.environ.get("VAPID_SUBJECT") or f"mailto:{DEFAULT_FROM_EMAIL}"  # whom a push service can ask
PUSH_HOSTS = env_list("PUSH_HOSTS")  # beside those of dispatch/notices/push.py

# Webhooks: addresses inside the own network that may be called all the same, over http too --------

WEBHOOK_HOSTS = env_list("WEBHOOK_HOSTS")  # “erp.internal”, “10.0.0.7:8080”

# The REST API -----------------------------------------------------------------------------------

API_REQUESTS_PER_SECOND = float(os.environ.get("API_REQUESTS_PER_SECOND", "10"))  # of a token

# Travel times: without a server they are estimated from straight-line distances -----------------

OSRM_URL = os.environ.get("OSRM_URL", "")
VALHALLA_URL = os.environ.get("VALHALLA_URL", "")

# Geocoding: without a service, addresses are put on the map by hand -------------------------------

GEOCODER = os.environ.get("GEOCODER", "")  # a service that geopy knows, such as nominatim or photon
GEOCODER_URL = os.environ.get("GEOCODER_URL", "")  # of a server of one's own
GEOCODER_KEY = os.environ.get("GEOCODER_KEY", "")
GEOCODER_REGION = os.environ.get("GEOCODER_REGION", "")  # what is written behind each address
GEOCODER_COUNTRIES = env_list("GEOCODER_COUNTRIES")
GEOCODER_PER_SECOND = float(os.environ.get("GEOCODER_PER_SECOND", "1"))  # questions, of all workers together

# Accounts and permissions -----------------------------------------------------------------------

AUTH_USER_MODEL = "dispatch.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "zones.backends.ZonePermissionBackend",
]
ANONYMOUS_USER_NAME = None  # guardian: no row stands for strangers
SILENCED_SYSTEM_CHECKS = [
    "guardian.W001",  # it knows only its own backend's name, not our subclass
    "models.W040",  # SQLite indexes include no further columns: there the same rows are found without them
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "registration/locked_out.html"
AXES_VERBOSE = False

# Security ---------------------------------------------------------------------------------------

HTTPS = env_flag("HTTPS")  # behind a proxy that speaks HTTPS
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_HSTS_SECONDS = int(os.environ.get("HSTS_SECONDS", str(60 * 60 * 24 * 365)))
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

MAP_TILE_URL = os.environ.get("MAP_TILE_URL", "")
MAP_ATTRIBUTION = os.environ.get("MAP_ATTRIBUTION", "")
_tile_host = ["https://" + MAP_TILE_URL.split("/")[2].replace("{s}", "*")] if MAP_TILE_URL.count("/") > 2 else []
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "style-src-attr": ["'unsafe-inline'"],  # Leaflet positions its panes, bars carry their width
        "img-src": [SELF, "data:", "blob:", *_tile_host],  # blob: photos that wait on a phone
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# Language, time, static files -------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
TIME_ZONE = os.environ.get("TIME_ZONE", "America/New_York")  # the business's own time
USE_TZ = True
USE_I18N = False

STATIC_URL = "static/"

STATICFILES_DIRS = [BASE_DIR / "static"]
# The demo and the tests serve straight from the packages; production runs collectstatic once.
WHITENOISE_USE_FINDERS = env_flag("STATIC_FROM_PACKAGES", DEBUG or TESTING)
STATIC_ROOT = None if WHITENOISE_USE_FINDERS else Path(os.environ.get("STATIC_ROOT", BASE_DIR / "staticfiles"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if WHITENOISE_USE_FINDERS
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# Photos, signatures, uploads: private, served only through the pages that check who asks.
MEDIA_ROOT = Path(os.environ.get("FILES_ROOT", VAR_DIR / "files"))
FILE_UPLOAD_PERMISSIONS = 0o600

LEAFLET_CONFIG = {
    "TILES": [("Map", MAP_TILE_URL, {"attribution": MAP_ATTRIBUTION})] if MAP_TILE_URL else [],
    "MAX_ZOOM": 19,
    "RESET_VIEW": False,
}

DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024  # a detailed zone boundary is a few megabytes
FORM_RENDERER = "config.forms.TruckrollFormRenderer"

LOG_FORMAT = os.environ.get("LOG_FORMAT", "text" if DEBUG or TESTING else "json")
LOG_LEVEL = os.environ.get("LOG_LEVEL", "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "config.logs.RequestIdFilter"},
        "secrets": {"()": "config.logs.SecretFilter"},
    },
    "formatters": {
        "json": {"()": "config.logs.JsonFormatter"},
        "text": {"format": "%(levelname)s %(name)s [%(request_id)s] %(message)s"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["request_id", "secrets"]}
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {"django.server": {"propagate": True}, "axes": {"level": "WARNING"}},
}
