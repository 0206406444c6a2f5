"""What an installation must not do with its cache."""

import stat
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks

ALONE = {"django.core.cache.backends.locmem.LocMemCache", "django.core.cache.backends.dummy.DummyCache"}
"""Caches that each process has for itself, or nobody."""


def check_cache_is_shared(**_: Any) -> list[checks.CheckMessage]:
    """Rate limits and idempotency keys hold only where all processes see them."""
    backend = settings.CACHES["default"]["BACKEND"]
    if backend not in ALONE:
        return []
    return [
        checks.Error(
            f"the cache {backend} is not shared between processes, so that rate limits count in each of them",
            hint="leave CACHES to config/settings.py, and set CACHE_URL to file:// or redis://HOST/NUMBER",
            id="charter.E001",
        )
    ]


def check_cache_is_private(**_: Any) -> list[checks.CheckMessage]:
    """The cache holds answers of the API, also those about restricted versions."""
    configured = settings.CACHES["default"]
    folder = Path(str(configured.get("LOCATION", "")))
    is_ours = configured["BACKEND"] == "config.cache.FolderCache" and folder.is_dir()
    if not is_ours or not folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return []
    return [
        checks.Warning(
            f"other users of this host may open the cache folder {folder}",
            hint=f"run: chmod 700 {folder}",
            id="charter.W001",
        )
    ]
