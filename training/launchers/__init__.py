"""Ways to run a job process, one file each. A new one is a copied neighbour and one line in LAUNCHERS."""

from training.launchers import local
from training.launchers.base import Launcher

LAUNCHERS: dict[str, Launcher] = {"local": local.LocalLauncher()}


def get(name: str) -> Launcher:
    """The launcher called `name`. Raises KeyError; specs that name an unknown one are refused before they are queued."""
    return LAUNCHERS[name]
