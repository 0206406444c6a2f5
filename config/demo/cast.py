"""The people of the demo. They act through the same actions as everybody; their entries are marked `demo`."""

import secrets
from pathlib import Path
from typing import NamedTuple

from governance.ledger.actors import Actor
from governance.people.actions import create_person
from governance.people.models import User


class Part(NamedTuple):
    name: str
    group: str
    does: str


CAST = (
    Part("ada", "engineer", "registers data and launches runs"),
    Part("polly", "policy-editor", "writes the constitution and the release policy"),
    Part("ravi", "reviewer", "approves or refuses what others wrote"),
    Part("mara", "release-manager", "composes releases and runs their gates"),
    Part("axel", "auditor", "reads everything"),
    Part("nora", "administrator", "manages accounts"),
)


def actor(name: str) -> Actor:
    """The named part, marked as played by the demo."""
    return Actor.person(name).demo()


def gather(home: Path) -> str:
    """Make the cast where it is missing. Returns the password that they all share, kept in `home`/demo-password."""
    password = shared_password(home / "demo-password")
    for part in CAST:
        if not User.objects.filter(username=part.name).exists():
            create_person(
                part.name,
                handle=part.name,
                display_name=part.name.capitalize(),
                password=password,
                groups=[part.group],
                actor=Actor.system("demo").demo(),
            )
    return password


def shared_password(path: Path) -> str:
    if not path.exists():
        path.touch(0o600)
        path.write_text(f"demo-{secrets.token_hex(6)}")
    return path.read_text().strip()
