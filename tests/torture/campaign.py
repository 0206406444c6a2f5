"""Rounds of killing: processes start, some of them die, the log is settled and looked at."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from django.db import connections, transaction
from django.db.models import Count

from governance.ledger import audit, keys
from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.ledger.models import Entry
from governance.registry.events import RegistryEvent
from governance.registry.models import Artifact
from tests.torture import checks, children
from tests.torture.children import Child
from tests.torture.installation import Installation
from tests.torture.points import POINTS, Point, at_turn

AUDIT_EVERY = 100
"""Rounds between two full audits."""
LONGEST_LIFE = 0.25
"""Seconds, at most, until a process is killed at a random moment."""


class Broken(Exception):
    """Something that must hold did not, after the kills of one round."""


@dataclass
class Campaign:
    """`seed` decides who is killed in each round, and where or when; `first` is the number of the first round."""

    place: Installation
    seed: int
    first: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    """Where a process died → how many did."""
    seen: checks.Seen = field(default_factory=checks.Seen)
    wanted: dict[str, int] = field(default_factory=dict)
    """Token of every acknowledged write → how many entries it left."""
    doubtful: dict[str, int] = field(default_factory=dict)
    """Token of every write whose writer died before it knew → how many entries it leaves if it was committed."""
    witnesses: list[Child] = field(default_factory=list)

    @property
    def reached(self) -> int:
        """At how many different crash points a process has died."""
        return sum(str(point) in self.kills for point in POINTS)

    def run(self, kills: int, progress: Callable[[int], None]) -> None:
        """Go on until so many processes were killed, and one at least at each crash point.

        Raises Broken with the round's number and what does not hold.
        """
        self._prepare()
        for number in itertools.count(self.first):
            try:
                self._round(number, Random(f"{self.seed}:{number}"))
                self._look(full=number % AUDIT_EVERY == 0)
            except (Broken, children.Failed) as error:
                raise Broken(f"round {number} (seed {self.seed}): {error}") from error
            progress(self.kills.total())
            if self.kills.total() >= kills and self.reached == len(POINTS):
                break
        self._look(full=True)
        self._require(checks.forgotten(self.seen))

    def _prepare(self) -> None:
        for slug in children.SHARED:
            with transaction.atomic():
                artifact = Artifact(kind="constitution", slug=slug, title="Shared")
                append(artifact, op=RegistryEvent.ARTIFACT_CREATED, actor=Actor.person("setup"))
        self.wanted["setup"] = len(children.SHARED)
        connections.close_all()
        for index in range(len(self.place.witnesses)):
            self.witnesses.append(self._witness(index))

    def _witness(self, index: int, point: Point | None = None) -> Child:
        folder, port = list(self.place.witnesses.items())[index]
        child = children.fork(folder.name, children.witness(folder, keys.policy(), port), point)
        children.wait_until_served(port)
        return child

    def _round(self, number: int, random: Random) -> None:
        # In two of three one dies at a crash point, each in its turn; in the third, who does at any moment.
        if number % 3 == 2:
            self._at_a_random_moment(number, random)
        else:
            self._at(at_turn(number - number // 3, self.seed), number, random)

    def _at(self, point: Point, number: int, random: Random) -> None:
        writers = [self._writer(f"r{number}a", random)]
        runners = []
        if point.role == "writer":
            victim = self._writer(f"r{number}v", random, point)
            runners = [children.fork("runner", children.runner)]
        elif point.role == "runner":
            victim = children.fork("runner", children.runner, point)
        else:
            runners = [children.fork("runner", children.runner)]
            victim = self._swap_witness(random.randrange(len(self.witnesses)), point)
        self._end(victim, str(point))
        if point.role == "witness":
            self.witnesses[self.witnesses.index(victim)] = self._again(victim)
        _stop(*writers, *runners)
        self._account(*writers, *([victim] if point.role == "writer" else []))

    def _at_a_random_moment(self, number: int, random: Random) -> None:
        """Two writers, two sequencers and signers, two witnesses: any of them may die, or all at once."""
        writers = [self._writer(f"r{number}{name}", random) for name in "ab"]
        runners = [children.fork("runner", children.runner) for _ in range(2)]
        alive = [*writers, *runners, *self.witnesses]
        victims = alive if random.random() < 0.2 else random.sample(alive, random.randrange(1, 4))
        for victim in victims:
            time.sleep(random.uniform(0, LONGEST_LIFE) / len(victims))
            victim.kill()
        for victim in victims:
            self._end(victim, f"{_role(victim)} at a random moment")
        _stop(*(child for child in (*writers, *runners) if child not in victims))
        for index, child in enumerate(self.witnesses):
            if child in victims:
                self.witnesses[index] = self._again(child)
        self._account(*writers)

    def _writer(self, name: str, random: Random, point: Point | None = None) -> Child:
        tokens = (f"{name}{count}" for count in itertools.count())
        return children.fork("writer", children.writer(tokens, Random(random.random())), point)

    def _swap_witness(self, index: int, point: Point) -> Child:
        """One that dies at `point`, in the place of one that ends for it and is not counted."""
        self.witnesses[index].kill()
        self.witnesses[index].wait()
        self.witnesses[index] = self._witness(index, point)
        return self.witnesses[index]

    def _again(self, dead: Child) -> Child:
        return self._witness([folder.name for folder in self.place.witnesses].index(dead.name))

    def _end(self, victim: Child, where: str) -> None:
        if not victim.wait():
            raise children.Failed(f"{victim.name} ended before it was killed: {victim.told[-3:]}")
        self.kills[where] += 1

    def _account(self, *writers: Child) -> None:
        """Note what they announced and what they acknowledged."""
        for writer in writers:
            for line in writer.told:
                verb, token, rest = line.split(" ")
                if verb == "try":
                    self.doubtful[token] = children.ENTRIES[rest]
                else:
                    del self.doubtful[token]
                    self.wanted[token] = int(rest)

    def _look(self, *, full: bool) -> None:
        self._require(checks.problems(self.seen, checks.memories(self.place.witnesses)))
        self._require(self._lost())
        if full:
            self._require(problem.sentence for problem in audit.run().problems)
        connections.close_all()

    def _lost(self) -> Iterator[str]:
        """What was acknowledged is there whole; what is in doubt is there whole, or not at all; nothing else is there."""
        counted = Entry.objects.values_list("actor").annotate(count=Count("id"))
        found = {str(actor).removeprefix("person:"): count for actor, count in counted}
        for token, count in self.wanted.items():
            if found.pop(token, 0) != count:
                yield f"{token} was acknowledged with {count} entries, which are not there"
        for token, count in self.doubtful.items():
            if found.pop(token, count) != count:
                yield f"{token} is there in part"
        if found:
            yield f"entries that nobody wrote: {found}"

    def _require(self, problems: Iterator[str]) -> None:
        if found := list(problems):
            raise Broken("; ".join(found))


def _stop(*stopping: Child) -> None:
    for child in stopping:
        child.stop()
    for child in stopping:
        child.wait()


def _role(child: Child) -> str:
    return child.name if child.name in {"writer", "runner"} else "witness"
