"""One rule's expression in CEL: what is wrong with it, and whether it holds over the facts that it may see (pure).

CEL has no side effects, but an expression can still eat a machine: a chain of maps doubles a string or a tree at every
step, which the library's iteration budget does not count. So rules are judged in a child process with bounds on memory
and processor time, and this file is that process too: it imports nothing of the house.

Beside the language's own functions there are those of CEL's strings extension (`replace`, `split`, `substring`, …), with
which a rule comes from one key to its neighbour: `facts[key.replace(".purpose", ".score")]`.
"""

import json
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

from cel_expr_python import cel
from cel_expr_python.ext import ext_strings

PASSED, REFUSED, UNDECIDED = "passed", "refused", "undecided"

MAX_EXPRESSION = 2_000
"""Characters of an expression."""
CPU_SECONDS = 2
"""Processor time that one rule may take."""
MEMORY_BYTES = 1 << 30
"""Address space of the process that judges."""
WALL_SECONDS = 120
"""A last bound for a process that waits without computing."""

FAILED = "The expression failed"
TOO_DEAR = f"The expression needs more than {CPU_SECONDS} seconds or {MEMORY_BYTES >> 20} MiB and was stopped; write a simpler one."

# Comments and string literals of CEL come first, so that names inside them are passed over.
_TOKEN = re.compile(
    r"""//[^\n]*
    |[bB]?[rR][bB]?(?:\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|"[^"\n]*"|'[^'\n]*')
    |[bB]?(?:\"{3}(?:\\[\s\S]|[^\\])*?\"{3}|'{3}(?:\\[\s\S]|[^\\])*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    |(?<!\w)(?P<map>facts|states)\b
     (?:\s*\[\s*(?P<quote>["'])(?P<key>[^"'\\\n]*)(?P=quote)\s*\] | (?P<index>\s*\[))?""",
    re.VERBOSE,
)


class BadExpression(ValueError):
    """An expression that CEL does not accept. The message is CEL's first complaint, with its place."""


class Outcome(NamedTuple):
    """A verdict, and why it could not be given when it is `undecided` (else empty)."""

    verdict: str
    reason: str


class Question(NamedTuple):
    """An expression with the two maps that it may look into."""

    expression: str
    facts: Mapping[str, Any]
    states: Mapping[str, str]


@dataclass(frozen=True)
class Mentions:
    """Keys that an expression names, and whether it uses a map as a whole (`facts.all(...)`, `"x" in states`).

    What is looked up under a computed key (`facts[key]`) is neither: a key without a value fails there, as a named one does.
    """

    facts: frozenset[str]
    states: frozenset[str]
    all_facts: bool
    all_states: bool
    computed: bool = False

    @property
    def anything(self) -> bool:
        """Whether the expression looks at any fact at all."""
        return bool(self.facts or self.states) or self.all_facts or self.all_states or self.computed


@lru_cache(maxsize=1024)
def compiled(expression: str) -> Any:
    """The compiled expression. Raises BadExpression when it does not compile, is too long, or cannot be true or false."""
    if len(expression) > MAX_EXPRESSION:
        raise BadExpression(f"it has {len(expression):,} characters; {MAX_EXPRESSION:,} are allowed")
    try:
        program = _environment().compile(expression)
    except RuntimeError as error:
        raise BadExpression(_first_complaint(error)) from error
    if program.return_type() not in (cel.Type.BOOL, cel.Type.DYN):
        raise BadExpression(f"it gives {program.return_type().name()}, not true or false")
    return program


@lru_cache(maxsize=1024)
def mentions(expression: str) -> Mentions:
    """What the expression names, read off its text: `facts["key"]` and `states["key"]`, or a map as a whole."""
    named: dict[str, set[str]] = {"facts": set(), "states": set()}
    whole: set[str] = set()
    computed = False
    for match in _TOKEN.finditer(expression):
        if match["key"] is not None:
            named[match["map"]].add(match["key"])
        elif match["index"]:
            computed = True
        elif match["map"]:
            whole.add(match["map"])
    return Mentions(
        frozenset(named["facts"]), frozenset(named["states"]), "facts" in whole, "states" in whole, computed
    )


def judge(question: Question) -> Outcome:
    """Evaluate here, without bounds on memory or time. Passed only if the result is a boolean and true."""
    try:
        program = compiled(question.expression)
        result = program.eval(data={"facts": question.facts, "states": question.states})
    except BadExpression as error:
        return Outcome(UNDECIDED, f"The expression does not compile: {error}.")
    except RuntimeError as error:  # the iteration budget raises, where other faults are values
        return Outcome(UNDECIDED, f"The expression was stopped: {_first_complaint(error)}.")
    except MemoryError:
        return Outcome(UNDECIDED, TOO_DEAR)
    if result.type() == cel.Type.ERROR:
        return Outcome(UNDECIDED, f"{FAILED}: {_in_words(str(result.value()))}.")
    if result.type() != cel.Type.BOOL:
        return Outcome(UNDECIDED, f"The expression gives {result.type().name()}, not true or false.")
    return Outcome(PASSED, "") if result.value() is True else Outcome(REFUSED, "")


def judge_all(questions: Sequence[Question]) -> list[Outcome]:
    """One outcome a question, in order, each within CPU_SECONDS and MEMORY_BYTES; what exceeds them is undecided."""
    # Questions over the same maps stand together, so that the child is sent each of them once and holds only one.
    first: dict[tuple[int, int], int] = {}
    order = sorted(range(len(questions)), key=lambda place: first.setdefault(_table(questions[place]), place))
    outcomes: dict[int, Outcome] = {}
    while len(outcomes) < len(questions):
        left = order[len(outcomes) :]
        outcomes |= zip(left, _in_child([questions[place] for place in left]), strict=False)
        if len(outcomes) < len(questions):
            outcomes[order[len(outcomes)]] = Outcome(UNDECIDED, TOO_DEAR)
    return [outcomes[place] for place in range(len(questions))]


def _table(question: Question) -> tuple[int, int]:
    """What tells the maps of a question from those of another: they are the same when they are the same objects."""
    return id(question.facts), id(question.states)


def _lines(questions: Sequence[Question]) -> Iterator[str]:
    """The questions as the child reads them: a pair of maps, and then each expression that is asked about them."""
    sent = None
    for question in questions:
        if _table(question) != sent:
            sent = _table(question)
            yield json.dumps([question.facts, question.states]) + "\n"
        yield json.dumps(question.expression) + "\n"


def _in_child(questions: Sequence[Question]) -> list[Outcome]:
    """The outcomes that a child process gave before it ended; fewer than asked when a question killed it."""
    try:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-I", __file__], input="".join(_lines(questions)).encode(), capture_output=True,
            timeout=WALL_SECONDS, check=False,
        )  # fmt: skip
        answers = done.stdout
        if done.returncode > 0:  # not killed by a question's bounds, but broken
            raise RuntimeError(
                f"The process that judges rules failed: {done.stderr.decode(errors='replace')}"
            )
    except subprocess.TimeoutExpired as stopped:
        answers = stopped.stdout or b""
    # Only whole lines: a process may die while it writes one.
    return [Outcome(*json.loads(line)) for line in answers.split(b"\n")[:-1]]


def _serve(lines: Iterable[str]) -> Iterator[str]:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    maps: tuple[dict[str, Any], dict[str, str]] = ({}, {})
    for line in lines:
        # Unhandled, the timer's signal ends the process even inside the library's C++.
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        told = json.loads(line)
        if isinstance(told, str):
            yield json.dumps(judge(Question(told, *maps)))
        else:
            maps = (told[0], told[1])


@cache
def _environment() -> Any:
    names, text = cel.Type.Map(cel.Type.STRING, cel.Type.DYN), cel.Type.Map(cel.Type.STRING, cel.Type.STRING)
    return cel.NewEnv(variables={"facts": names, "states": text}, extensions=[ext_strings.ExtStrings()])


def _first_complaint(error: RuntimeError) -> str:
    line = str(error).strip().split("\n")[0]
    line = re.sub(r"^[A-Z_]+: (ERROR: )?", "", line).removesuffix(".")
    return re.sub(r"^<input>:(\d+):(\d+): ", r"line \1, column \2: ", re.sub(r" \[[A-Z_]+\]$", "", line))


def _in_words(fault: str) -> str:
    if match := re.fullmatch(r'NOT_FOUND: Key not found in map : "(.*)"', fault):
        return f"there is no value for {match[1]}"
    return re.sub(r"^[A-Z_]+: ", "", fault)


if __name__ == "__main__":
    for answer in _serve(sys.stdin):
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()
