"""The shared cache: the same promises from a folder and from Redis, across processes."""

import json
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
from django.core.cache import cache, caches
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from config import settings as module
from tests.conftest import REDIS

REPO = Path(__file__).resolve().parents[2]
COUNT = """
import django; django.setup()
from django.core.cache import cache
won = cache.add("claim", 1, 60)
for _ in range(200): cache.incr("count")
print(int(won))
"""


@pytest.fixture(params=["file://", pytest.param(REDIS, id="redis", marks=pytest.mark.service)])
def shared(request, settings, home, monkeypatch):
    """The cache of this installation, by CACHE_URL, empty."""
    if request.param.startswith("redis"):
        try:
            redis.Redis.from_url(request.param).flushdb()
        except redis.ConnectionError as error:
            pytest.skip(f"Redis does not answer: {error}")
    settings.CACHES = {"default": module.cache(request.param, home / "cachefiles")}
    monkeypatch.setenv("CACHE_URL", request.param)
    yield cache
    cache.clear()


def test_values_come_back_until_they_expire(shared):
    shared.set("a", {"rows": [1, "ü", None, True, 2.5]}, 60)
    shared.set("short", 1, 1)
    shared.set("at-once", 1, 0)
    shared.set("for-ever", 1, None)
    assert shared.get("a") == {"rows": [1, "ü", None, True, 2.5]}
    assert shared.get("at-once") is None
    assert "short" in shared
    time.sleep(1.1)
    assert shared.get("short", "gone") == "gone"
    assert shared.get("for-ever") == 1
    assert shared.get("a", version=2) is None


def test_touch_delete_and_clear(shared):
    shared.set("a", [1], 1)
    assert shared.touch("a", 60)
    assert not shared.touch("b", 60)
    time.sleep(1.1)
    assert shared.get("a") == [1]
    assert (shared.delete("a"), shared.delete("a")) == (True, False)
    shared.set_many({"b": 1, "c": 2}, 60)
    shared.clear()
    assert shared.get_many(["b", "c"]) == {}


def test_a_count_keeps_its_expiry(shared):
    shared.set("count", 1, 1)
    assert (shared.incr("count"), shared.decr("count", 3)) == (2, -1)
    time.sleep(1.1)
    with pytest.raises(ValueError, match="not found"):
        shared.incr("count")


def test_processes_count_together_and_only_one_claims(shared):
    shared.set("count", 0, 60)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", COUNT], cwd=REPO, env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    claims = [int(process.communicate()[0]) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert shared.get("count") == 600
    assert sum(claims) == 1


def test_what_is_no_json_is_refused_and_changes_nothing(shared):
    shared.set("a", 1, 60)
    with pytest.raises(TypeError):
        shared.set("a", object(), 60)
    assert shared.get("a") == 1


def test_nothing_is_ever_unpickled(shared, home):
    shared.set("a", 1, 60)
    harmful = pickle.dumps(Exploit())
    if folder := next(iter((home / "cachefiles").glob("*.json")), None):
        folder.write_bytes(harmful)
        assert shared.get("a") is None
    else:
        redis.Redis.from_url(REDIS).set(shared.make_key("a"), harmful)
        with pytest.raises(ValueError):
            shared.get("a")
    assert not Exploit.ran


class Exploit:
    ran = False

    def __reduce__(self):
        return (setattr, (Exploit, "ran", True))


def test_a_full_folder_lets_the_oldest_go(settings, home):
    settings.CACHES = {"default": {**module.cache("file://", home / "c"), "OPTIONS": {"MAX_ENTRIES": 9}}}
    for number in range(9):
        cache.set(str(number), number, 60)
        oldest = next(
            path for path in (home / "c").glob("*.json") if json.loads(path.read_text())[1] == number
        )
        os.utime(oldest, (number, number))
    cache.set("new", "new", 60)
    kept = [number for number in range(9) if cache.get(str(number)) is not None]
    assert kept == [4, 5, 6, 7, 8]
    assert cache.get("new") == "new"


def test_the_folder_is_for_its_owner_alone(home):
    cache.set("a", 1)
    assert (home / "cachefiles").stat().st_mode & 0o777 == 0o700
    assert complaints() == []
    (home / "cachefiles").chmod(0o755)
    assert complaints() == ["charter.W001"]


def test_a_cache_of_each_process_alone_is_an_error(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    assert complaints() == ["charter.E001"]
    assert not caches["default"].has_key("a")


def complaints() -> list[str]:
    return [told.id for told in run_checks(tags=["caches"]) if str(told.id).startswith("charter.")]


def test_an_address_of_no_known_cache_is_refused():
    with pytest.raises(
        ImproperlyConfigured, match="CACHE_URL is file:// or redis://HOST/NUMBER, not 'memcached://a'"
    ):
        module.cache("memcached://a", Path("x"))
