"""Settings, by environment.

Without any variable this is the embedded default: SQLite in ``var/`` and the Redis URLs
of a development machine. Production sets ``SECRET_KEY``, ``ALLOWED_HOSTS``,
``DATABASE_URL``, ``FRQUEUE_URL`` and ``DONOR_PREFS_URL``; each may be given as a file
by the same name with ``_FILE`` behind it.
"""

from pathlib import Path

import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.FileAwareEnv()

# What a development machine keeps: the database, the schedule of beat, static files.
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))

DEBUG = env.bool("DEBUG", default=False)
PRODUCTION = env.bool("PRODUCTION", default=False)

SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    if PRODUCTION:
        raise ImproperlyConfigured("SECRET_KEY must be set in production")
    SECRET_KEY = get_random_secret_key()
# Former keys: links in mails that were signed with them hold.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# Safe by default: only a development set-up without TLS says HTTPS=0.
HTTPS = env.bool("HTTPS", default=not DEBUG)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    # First, as its banner goes into the pages of unfold.
    "queues",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "fundraising",
    "fundraising.crm",
    "fundraising.pending",
    "fundraising.tracking",
    "fundraising.fredge",
    "fundraising.preferences",
    "fundraising.banners",
    "fundraising.gateways",
    "fundraising.mails",
    "fundraising.privacy",
    "fundraising.trace",
    "fundraising.staff",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "queues.middleware.MaintenanceMiddleware",
]

ROOT_URLCONF = "fundraising.urls"
WSGI_APPLICATION = "fundraising.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = ["fundraising.formats"]
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = env.path("STATIC_ROOT", default=VAR_DIR / "static")()
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

if not (env.str("DATABASE_URL", default="") or PRODUCTION):
    VAR_DIR.mkdir(exist_ok=True)
DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR}/db.sqlite3")}
_database = DATABASES["default"]
_database["CONN_MAX_AGE"] = 300
_database["CONN_HEALTH_CHECKS"] = True
if _database["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE: a transaction that reads first and writes later would fail at once when
    # another writes in between. FULL: what was acknowledged must survive a power cut.
    _database["OPTIONS"] = {
        "timeout": 30,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    # A lock that does not come is an error that the contract retries, not a hang.
    _database.setdefault("OPTIONS", {}).update(
        connect_timeout=5, options="-c lock_timeout=10s -c timezone=UTC"
    )

FRQUEUE_URL = env.str("FRQUEUE_URL", default="redis://127.0.0.1:6379/0")
DONOR_PREFS_URL = env.str("DONOR_PREFS_URL", default="redis://127.0.0.1:6380/0")
REDIS_INSTANCES = {"frqueue": FRQUEUE_URL, "donor-prefs": DONOR_PREFS_URL}
# As whom other systems push on each; see `manage.py redis_acl`.
PRODUCER_ROLES = {"frqueue": "payments", "donor-prefs": "preferences"}
SEQUENCE_INSTANCE = "frqueue"
# By sequence, what tells the highest numbers in use.
SEQUENCES = {"contribution-tracking": "fundraising.tracking.ids.highest"}

QUEUE_ROUTES = "fundraising.routes.ROUTES"
# Other lists that are listened to for a queue: list=queue, with commas between.
QUEUE_ALIASES = env.dict("QUEUE_ALIASES", default={})
# An example message a queue, and what the fields of messages mean; for documentation.
QUEUE_REFERENCE = BASE_DIR / "fundraising" / "reference"
# A larger message goes to damaged unread.
QUEUE_MAX_MESSAGE_BYTES = env.int("QUEUE_MAX_MESSAGE_BYTES", default=1024 * 1024)
# A message whose worker process died this often goes to damaged.
QUEUE_MAX_DELIVERIES = env.int("QUEUE_MAX_DELIVERIES", default=3)

# The envelope of what we push ourselves.
SOURCE_NAME = env.str("SOURCE_NAME", default="fundraising")
SOURCE_TYPE = env.str("SOURCE_TYPE", default="direct")
SOURCE_VERSION = env.str("SOURCE_VERSION", default="unknown")

# Where `load_exchange_rates` reads the European Central Bank's daily XML: a URL or a file.
ECB_RATES = env.str(
    "ECB_RATES", default="https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml"
)

# Whose the gifts are that PayPal's Giving Fund pays on: a contact's id, and how the fund is
# known in notifications. Without the id they are gifts of that e-mail address.
PAYPAL_GIVING_FUND_CONTACT = env.str("PAYPAL_GIVING_FUND_CONTACT", default="")
PAYPAL_GIVING_FUND_EMAILS = env.list(
    "PAYPAL_GIVING_FUND_EMAILS", default=["ppgfuspay@paypalgivingfund.org"]
)

# Where the links in mails to donors lead.
DONOR_PORTAL_URL = env.str("DONOR_PORTAL_URL", default="https://payments.example.org/portal")
EMAIL_PREFERENCES_URL = env.str(
    "EMAIL_PREFERENCES_URL", default="https://payments.example.org/preferences"
)
RECURRING_UPGRADE_URL = env.str(
    "RECURRING_UPGRADE_URL", default="https://payments.example.org/upgrade"
)
DONOR_PAGES = {
    "DonorPortal": DONOR_PORTAL_URL,
    "EmailPreferences": EMAIL_PREFERENCES_URL,
    "OptIn": f"{EMAIL_PREFERENCES_URL}/optIn",
    "RecurUpgrade": RECURRING_UPGRADE_URL,
    "VerifyEmail": f"{EMAIL_PREFERENCES_URL}/confirmEmail",
}
# Countries whose donors confirm their address before they are written to.
DOUBLE_OPT_IN_COUNTRIES = env.list("DOUBLE_OPT_IN_COUNTRIES", default=["AT", "CH", "DE"])

DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", default="Fundraising <donors@example.org>")
# Seconds: a mail's row is locked while the mail system takes it.
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=10)

# Days after the first failure on which a recurring donation is tried again: growing, up to 28.
RECURRING_RETRY_CADENCE = env.str("RECURRING_RETRY_CADENCE", default="1,2")

# Days that rows are kept; fundraising/privacy/retention.py says of what, and within what bounds.
KEEP_INBOX_DAYS = env.int("KEEP_INBOX_DAYS", default=400)
KEEP_PENDING_DAYS = env.int("KEEP_PENDING_DAYS", default=30)
KEEP_TRACKING_LOG_DAYS = env.int("KEEP_TRACKING_LOG_DAYS", default=5 * 365)
KEEP_MAILS_DAYS = env.int("KEEP_MAILS_DAYS", default=90)
KEEP_PAYMENT_ATTEMPTS_DAYS = env.int("KEEP_PAYMENT_ATTEMPTS_DAYS", default=2 * 365)
KEEP_PAYMENTS_FRAUD_DAYS = env.int("KEEP_PAYMENTS_FRAUD_DAYS", default=2 * 365)
KEEP_PROCESSOR_EVENTS_DAYS = env.int("KEEP_PROCESSOR_EVENTS_DAYS", default=2 * 365)

ADMINS = [("fundraising", address) for address in env.list("ADMINS", default=[])]
EMAIL_CONFIG = env.email("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)

# What Prometheus says to get the metrics; in production they are not given without it.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
# The payment processors that metrics tell apart; all others are "other".
METRICS_GATEWAYS = (
    *("adyen", "amazon", "braintree", "chariot", "dlocal", "fundraiseup", "gravy", "ingenico"),
    *("paypal", "paypal_ec", "stripe", "trustly"),
)

# "json", an object a line, or "plain" for people.
LOG_FORMAT = env.str("LOG_FORMAT", default="json" if PRODUCTION else "plain")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
        "json": {"()": "queues.logs.Formatter"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT},
        "admins": {"class": "django.utils.log.AdminEmailHandler", "level": "CRITICAL"},
    },
    "loggers": {
        # A line a task, beside the contract's own line a message, would drown it.
        **{
            name: {"level": "WARNING"}
            for name in ("celery.worker.strategy", "celery.app.trace", "celery.beat")
        },
        # Celery gives them handlers of its own if they have none.
        **{
            name: {"handlers": ["console"], "propagate": False}
            for name in ("celery.task", "multiprocessing")
        },
    },
    "root": {"handlers": ["console", "admins"], "level": env.str("LOG_LEVEL", default="INFO")},
}

UNFOLD = {
    "SITE_TITLE": "Fundraising",
    "SITE_HEADER": "Fundraising",
    "SITE_SYMBOL": "favorite",
    "SIDEBAR": {"navigation": "fundraising.navigation.sidebar"},
}

# How deliveries are acknowledged is settled in queues.worker.DeliveryTask; the tasks of beat
# are acknowledged early, as Celery does: the next one comes in seconds.
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = env.int("TASK_TIME_LIMIT", default=300)
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# Does not forget at a stop or a lost connection what its children have begun.
CELERY_WORKER_CONSUMER = "queues.worker:Consumer"
CELERY_WORKER_PREFETCH_MULTIPLIER = env.int("WORKER_PREFETCH_MULTIPLIER", default=2)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_WORKER_MAX_TASKS_PER_CHILD = 10_000
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Seconds after which a dead worker's messages return; a live one renews its lease.
    "visibility_timeout": env.int("VISIBILITY_TIMEOUT", default=60),
}
CELERY_TIMEZONE = "UTC"
# What beat runs beside the message layer's own upkeep, for each instance: whatever the one
# instance's messages need must not wait for the other.
_SEND_DUE_MAILS = {"send-due-mails": {"task": "mails.send_due", "schedule": 30.0}}
BEAT_JOBS = {
    "frqueue": {
        # The bank publishes at about 16:00 in Frankfurt.
        "load-exchange-rates": {
            "task": "crm.load_exchange_rates",
            "schedule": crontab(hour="16,20", minute="10"),
        },
        "retention": {"task": "privacy.retention", "schedule": crontab(hour="3", minute="20")},
        **_SEND_DUE_MAILS,
    },
    "donor-prefs": _SEND_DUE_MAILS,
}
# Each instance's beat adds its name.
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
