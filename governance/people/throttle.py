"""Counting per somebody in the cache that all processes share: how often they ask, and how often they fail to sign in.

Windows are fixed pieces of time. Where the cache does not answer, nothing is counted and nobody is turned away: a limit is
there for the house to stay open.
"""

import hashlib
import logging
import re
import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.cache import caches
from redis import RedisError

UNITS = {"s": 1, "m": 60, "h": 3600}
FORM = re.compile(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,3})?([smh])")
OFF = "off"
UNREACHABLE = (RedisError, OSError)

log = logging.getLogger("charter.throttle")


@dataclass(frozen=True)
class Rate:
    """So many times in so many seconds."""

    times: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> "Rate | None":
        """`600/m`, `5/15m`, `100/h`; `off` is no limit, None. Raises ValueError for anything else."""
        if text == OFF:
            return None
        found = FORM.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no rate; write 600/m, 5/15m, 100/h or off")
        return cls(int(found[1]), int(found[2] or 1) * UNITS[found[3]])


@dataclass(frozen=True)
class Limit:
    """A limit by the name of its setting, which says the rate."""

    setting: str

    @property
    def rate(self) -> Rate | None:
        return Rate.parse(getattr(settings, self.setting))

    def wait(self, who: str) -> int | None:
        """Count one more of `who`. Seconds to wait when that is more than the rate allows, else None."""
        rate = self.rate
        if rate is None:
            return None
        now = time.time()
        window, rest = int(now // rate.seconds), int(rate.seconds - now % rate.seconds) + 1
        return rest if _count(self._key(f"{window}:{who}"), rate.seconds) > rate.times else None

    def locked(self, who: str) -> int | None:
        """Seconds for which `who` is shut out after failing too often, or None."""
        if self.rate is None:
            return None
        try:
            until = caches["default"].get(self._key(f"lock:{who}"))
        except UNREACHABLE:
            log.warning("the cache does not answer, so nobody is locked out", exc_info=True)
            return None
        return max(1, int(until - time.time())) if until and until > time.time() else None

    def failed(self, who: str) -> None:
        """Count one more failure of `who`; with the last one that the rate allows begins the time shut out."""
        rate = self.rate
        if rate is not None and _count(self._key(f"failed:{who}"), rate.seconds) >= rate.times:
            _keep(self._key(f"lock:{who}"), time.time() + rate.seconds, rate.seconds)
            log.warning("locked out after %s failures", rate.times, extra={"limit": self.setting})

    def forget(self, who: str) -> None:
        """`who` got it right: earlier failures do not count any more."""
        try:
            caches["default"].delete_many([self._key(f"failed:{who}"), self._key(f"lock:{who}")])
        except UNREACHABLE:
            log.warning("the cache does not answer", exc_info=True)

    def _key(self, what: str) -> str:
        # Names that people type are hashed: they may hold anything, and the cache need not know them.
        return f"throttle:{self.setting}:{hashlib.sha256(what.encode('utf-8', 'replace')).hexdigest()}"


REQUESTS = Limit("CHARTER_API_RATE")
"""Requests over the API, of one token, one person, or one address that did not sign in."""
ADDRESS = Limit("CHARTER_FAILURE_RATE")
"""Sign-ins and tokens that failed, from one address."""
NAME = Limit("CHARTER_LOCKOUT")
"""Sign-ins that failed with one user name from one address, whether or not there is such an account."""
OBJECTIONS = Limit("CHARTER_OBJECTION_RATE")
"""Objections from one address."""
OBJECTIONS_IN_ALL = Limit("CHARTER_OBJECTION_TOTAL")
"""Objections from everywhere together: each makes the ledger grow."""
LIMITS = (REQUESTS, ADDRESS, NAME, OBJECTIONS, OBJECTIONS_IN_ALL)


def check_rates(**_: Any) -> list[checks.CheckMessage]:
    """Rates that nobody can read stop the house before it opens, not at its first visitor."""
    found: list[checks.CheckMessage] = []
    for limit in LIMITS:
        try:
            Rate.parse(getattr(settings, limit.setting))
        except ValueError as error:
            found.append(checks.Error(f"{limit.setting}: {error}", id="people.E001"))
    return found


def address_of(request: object) -> str:
    """Where a request comes from. Behind a proxy the server puts the client's own address there (uvicorn --proxy-headers)."""
    return str(getattr(request, "META", {}).get("REMOTE_ADDR") or "unknown")


def _count(key: str, seconds: int) -> int:
    cache = caches["default"]
    try:
        if cache.add(key, 1, seconds):
            return 1
        try:
            return int(cache.incr(key))
        except ValueError:
            # It expired in between.
            cache.set(key, 1, seconds)
            return 1
    except UNREACHABLE:
        log.warning("the cache does not answer, so nothing is counted", exc_info=True)
        return 0


def _keep(key: str, value: float, seconds: int) -> None:
    try:
        caches["default"].set(key, value, seconds)
    except UNREACHABLE:
        log.warning("the cache does not answer", exc_info=True)
