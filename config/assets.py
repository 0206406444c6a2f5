"""Static files that installed packages bring: the two files that pages load, under names of our own, and nothing else."""

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.contrib.staticfiles.utils import matches_patterns
from django.core.checks import CheckMessage, Error
from django.core.files.storage import FileSystemStorage

PREFIX = "vendor"


def packaged(package: str, inside: str) -> Path:
    """Path of the file `inside` an installed `package`, found without importing it. Raises ModuleNotFoundError."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{package} is not installed: run `make install`.")
    return Path(spec.origin).parent / inside


class PackageAssets(BaseFinder):
    """Exposes `vendor/plotly.min.js` and `vendor/htmx.min.js`; the packages' other 70 MB stay where they are."""

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        self.files: dict[str, Path] = {
            f"{PREFIX}/plotly.min.js": packaged("plotly", "package_data/plotly.min.js"),
            f"{PREFIX}/htmx.min.js": packaged("django_htmx", "static/django_htmx/htmx-2.min.js"),
        }

    def check(self, **_kwargs: Any) -> list[CheckMessage]:
        return [
            Error(
                f"{path} is missing.",
                hint="The installed package is another version: run `make install`.",
                id="assets.E001",
            )
            for path in self.files.values()
            if not path.is_file()
        ]

    def find(self, path: str, find_all: bool = False, **_kwargs: Any) -> Any:
        found = [str(self.files[path])] if path in self.files else []
        return found if find_all else next(iter(found), None)

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        """(name inside its storage, storage) pairs, as collectstatic wants them: it joins the storage's prefix itself."""
        for name, path in self.files.items():
            if not matches_patterns(name, ignore_patterns or ()):
                yield Path(name).name, RenamedFile(path)


class RenamedFile(FileSystemStorage):
    """One file, whatever name it is asked for by."""

    prefix = PREFIX

    def __init__(self, path: Path) -> None:
        super().__init__(location=path.parent)
        self.file = path

    def path(self, _name: str) -> str:
        return str(self.file)
