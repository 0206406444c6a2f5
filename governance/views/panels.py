"""What rooms above show on governance's pages: each registers a function that returns a template and its context."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.http import HttpRequest

from governance.registry.models import Version
from governance.releases.models import Runtime


class Panel(NamedTuple):
    template: str
    context: Any


HomePanel = Callable[[HttpRequest], Panel | None]
VersionPanel = Callable[[HttpRequest, Version], Panel | None]
RuntimePanel = Callable[[HttpRequest, Runtime], Panel | None]

_home: list[HomePanel] = []
_version: list[VersionPanel] = []
_runtime: list[RuntimePanel] = []


def on_home(panel: HomePanel) -> None:
    if panel not in _home:
        _home.append(panel)


def on_version(panel: VersionPanel) -> None:
    if panel not in _version:
        _version.append(panel)


def on_runtime(panel: RuntimePanel) -> None:
    if panel not in _runtime:
        _runtime.append(panel)


def for_home(request: HttpRequest) -> list[Panel]:
    return [found for panel in _home if (found := panel(request))]


def for_version(request: HttpRequest, version: Version) -> list[Panel]:
    return [found for panel in _version if (found := panel(request, version))]


def for_runtime(request: HttpRequest, runtime: Runtime) -> list[Panel]:
    return [found for panel in _runtime if (found := panel(request, runtime))]
