"""Models that are asked at an address: which hosts a job may reach, and the one secret that it is given, their key.

Whoever registers a model chooses its address, and the worker stands inside the operator's network. So nothing is
reached that the operator has not named in CHARTER_ENDPOINT_HOSTS.
"""

import os
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from django.conf import settings

from governance.registry.models import Version

PORTS = {"http": 80, "https": 443}
KEY = re.compile(r"[A-Za-z0-9._~+/=:-]{8,500}")
"""A key: long enough to be told from other text, so that it can be masked wherever it turns up."""


class NotAllowed(ValueError):
    """An endpoint that may not be asked from here; the message says what to do."""


def check(model: Version) -> None:
    """Raise NotAllowed unless the operator has named the host and port of the endpoint of `model`."""
    wanted = place((model.content or {})["endpoint"]["base_url"])
    if wanted not in {allowed(entry) for entry in settings.CHARTER_ENDPOINT_HOSTS}:
        host = name_of(*wanted)
        raise NotAllowed(
            f"{model.subject} is asked at {host}, which this installation does not allow. Its operator allows it by adding "
            f"{host} to CHARTER_ENDPOINT_HOSTS, for the web process and the workers."
        )


def variables(inputs: Mapping[str, Sequence[Version]]) -> dict[str, str]:
    """The environment variables that a job with these inputs needs: the keys of its endpoints. Raises NotAllowed."""
    names = {
        (version.content or {})["endpoint"]["key_variable"]: version.subject
        for versions in inputs.values()
        for version in versions
        if version.kind == "model" and (version.content or {}).get("endpoint")
    }
    return {name: _key(name, subject) for name, subject in names.items() if name}


def _key(name: str, subject: str) -> str:
    key = os.environ.get(name, "")
    if not key:
        raise NotAllowed(
            f"{subject} needs a key in {name}, and the worker has no such variable. Set it, start the worker again and retry."
        )
    if not KEY.fullmatch(key):
        raise NotAllowed(
            f"What {name} holds is no key: 8 to 500 letters, digits and . _ ~ + / = : - without spaces. Correct it, start "
            "the worker again and retry."
        )
    return key


def place(address: str) -> tuple[str, int]:
    """Host and port that an address reaches."""
    parts = urlsplit(address)
    return parts.hostname or "", parts.port or PORTS[parts.scheme]


def name_of(host: str, port: int) -> str:
    """The entry of the list that allows a host and port."""
    shown = f"[{host}]" if ":" in host else host
    return shown if port == PORTS["https"] else f"{shown}:{port}"


def allowed(entry: str) -> tuple[str, int]:
    """Host and port of an entry of the list: `host` stands for HTTPS, anything else names its port."""
    try:
        parts = urlsplit(f"//{entry}")
        return parts.hostname or "", parts.port or PORTS["https"]
    except ValueError:
        return "", 0
