"""Who did it: the name that an entry's body carries, and the accountable person behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace

MAX_LENGTH = 200


@dataclass(frozen=True)
class Actor:
    """`name` goes into the ledger; `handle` is the pseudonym of the accountable person, or None."""

    name: str
    handle: str | None

    def __post_init__(self) -> None:
        if not self.name or not self.name.isprintable() or len(self.name) > MAX_LENGTH:
            raise ValueError(f"an actor's name is 1 to {MAX_LENGTH} printable characters, not {self.name!r}")

    @classmethod
    def person(cls, handle: str) -> Actor:
        """A signed-in person: `person:ada`."""
        return cls(f"person:{handle}", handle)

    @classmethod
    def token(cls, token_id: str, handle: str) -> Actor:
        """An API token of somebody, by the first 8 digits of its id: `token:1f0c2a9b for person:ada`."""
        return cls(f"token:{token_id[:8]} for person:{handle}", handle)

    @classmethod
    def system(cls, part: str) -> Actor:
        """A part of Charter acting by itself: `system:reaper`."""
        return cls(f"system:{part}", None)

    @classmethod
    def command(cls, os_user: str, handle: str | None) -> Actor:
        """A command at a shell, for somebody: `cli:root for person:ada`, or for nobody: `cli:root`."""
        return cls(f"cli:{os_user} for person:{handle}" if handle else f"cli:{os_user}", handle)

    @property
    def is_person(self) -> bool:
        """Whether a person or their token acts, and neither a command nor a part of Charter."""
        return self.name.removeprefix("demo ").startswith(("person:", "token:"))

    def demo(self) -> Actor:
        """The same actor, marked as playing a part: `demo person:ada`."""
        return replace(self, name=f"demo {self.name}")

    def __str__(self) -> str:
        return self.name
