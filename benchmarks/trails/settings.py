"""Charter's settings, with the scratch app and those of the compared packages that are installed."""

from importlib.util import find_spec

from config.settings import *  # noqa: F403
from config.settings import DATABASES, INSTALLED_APPS

ON_POSTGRES = DATABASES["default"]["ENGINE"].endswith("postgresql")
PACKAGES = ["simple_history", "auditlog", "reversion", *(["pgtrigger", "pghistory"] if ON_POSTGRES else [])]
INSTALLED_APPS = [*INSTALLED_APPS, *filter(find_spec, PACKAGES), "benchmarks.trails"]
