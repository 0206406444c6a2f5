"""The named cast: one person a group, and an outsider. Permission tests read like sentences."""

from dataclasses import dataclass

from governance.ledger.actors import Actor
from governance.people.actions import create_person
from governance.people.models import User

PASSWORD = "correct-horse-battery"
GROUPS = {
    "ada": ["engineer"],
    "eno": ["engineer"],
    "polly": ["policy-editor"],
    "ravi": ["reviewer"],
    "rosa": ["reviewer"],
    "mara": ["release-manager"],
    "axel": ["auditor"],
    "root": ["administrator"],
    "otto": [],
}


@dataclass(frozen=True)
class Cast:
    users: dict[str, User]

    def __getattr__(self, name: str) -> User:
        try:
            return self.users[name]
        except KeyError:
            raise AttributeError(name) from None

    def actor(self, name: str) -> Actor:
        return Actor.person(self.users[name].account.handle)


def gather() -> Cast:
    """The cast, each with an account whose handle is the name."""
    return Cast({name: person(name) for name in GROUPS})


def person(name: str) -> User:
    """That member of the cast alone, made unless they are there already."""
    found = User.objects.filter(username=name).first()
    return found or create_person(
        name, handle=name, password=PASSWORD, groups=GROUPS[name], actor=Actor.system("test")
    )
