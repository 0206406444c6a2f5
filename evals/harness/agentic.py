"""Tasks of the kind `tool_use`: a model is given tools, calls them turn by turn, and gets results that stand in the item.

No tool is ever run. A conversation ends with the first turn that calls nothing, which is the final answer, or at the limit.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from evals.harness.scoring import exact_match
from evals.harness.suite import Item, SuiteTask
from evals.harness.tasks import generation_settings
from evals.harness.tools import MOST_CALLS, Call, Messages, Play, Reply, Tool, same
from governance.ledger.canonical import canonical, sha256_hex

FILTER = "final_answer"
LONGEST_TRANSCRIPT = 16_000
"""Characters of a transcript that are kept of an item; its SHA-256 is of the whole."""
COUNTED = ("expected", "right", "unneeded", "malformed")


class Talker(Protocol):
    """A model that goes on with conversations."""

    def prompt_of(self, messages: Messages, tools: Sequence[Tool]) -> str:
        """What it is asked: the whole conversation with the tools, as text."""

    def replies(self, prompts: Sequence[str], settings: Mapping[str, Any]) -> list[Reply]:
        """The next turn of each."""

    def is_too_long(self, text: str, new_tokens: int) -> bool:
        """Whether the beginning of this prompt is cut off."""


@dataclass
class Talk:
    """One item's conversation as it goes on."""

    item: Item
    play: Play
    messages: list[dict[str, Any]]
    answer: str | None = None
    """The final answer, once there is one."""
    made: list[Call] = field(default_factory=list)
    """Calls that fit a tool on offer."""
    malformed: int = 0
    turns: int = 0
    first_prompt: str = ""
    flags: set[str] = field(default_factory=set)

    def take(self, reply: Reply) -> None:
        """Go on by one turn: the reply, and what its calls are answered with."""
        self.turns += 1
        readable = [call for call in reply.calls[:MOST_CALLS] if call.arguments is not None]
        unreadable = [call for call in reply.calls[:MOST_CALLS] if call.arguments is None]
        unreadable += reply.calls[MOST_CALLS:]
        first = sum(len(message.get("calls", ())) for message in self.messages)
        named = [(f"call{first + number:05}", call) for number, call in enumerate(readable, 1)]
        said = [reply.text, *(call.text for call in unreadable)]
        self.messages.append(
            {
                "role": "assistant",
                "content": "\n".join(filter(None, said)),
                "calls": [{"id": id, "name": call.name, "arguments": call.text} for id, call in named],
            }
        )
        if not reply.calls:
            self.answer = reply.text
        self.messages += [self._result(id, call) for id, call in named]
        self.malformed += len(unreadable)
        if unreadable:
            # No result may answer a call that has no name, so it is told as a user would.
            self.messages.append({"role": "user", "content": "Error: a tool call could not be read."})

    def _result(self, id: str, call: Call) -> dict[str, Any]:
        tool = next((tool for tool in self.play.tools if tool.name == call.name), None)
        fault = tool.fault(call.arguments) if tool else f"there is no tool {call.name}."
        if tool is None or fault:
            self.malformed += 1
            content = f"Error: {fault}"
        else:
            self.made.append(call)
            content = tool.result(call.arguments or {})
        return {"role": "tool", "id": id, "name": call.name, "content": content}

    def figures(self) -> dict[str, int]:
        """Of its calls: how many are expected, were made right, are not needed, and cannot be used."""
        left = list(self.made)
        for wanted in self.play.expected_calls:
            found = next(
                (
                    call
                    for call in left
                    if call.name == wanted.name and same(call.arguments, wanted.arguments)
                ),
                None,
            )
            if found:
                left.remove(found)
        expected = len(self.play.expected_calls)
        return {
            "expected": expected,
            "right": len(self.made) - len(left),
            "unneeded": len(left),
            "malformed": self.malformed,
        }


def play(task: SuiteTask, items: Sequence[Item], model: Talker) -> list[dict[str, Any]]:
    """One scored row an item, in the order of ids. All conversations that still go on are asked together, turn by turn."""
    talks = [
        Talk(item, item.play, [{"role": "user", "content": item.prompt}])
        for item in items
        if item.play is not None
    ]
    settings = generation_settings(task) or {}
    for _ in range(task.task.max_turns or 0):
        open_ = [talk for talk in talks if talk.answer is None]
        prompts = [_prompt(talk, model, task.new_tokens) for talk in open_]
        for talk, reply in zip(open_, model.replies(prompts, settings) if prompts else (), strict=True):
            talk.take(reply)
    return [_row(task, talk) for talk in sorted(talks, key=lambda talk: talk.item.id)]


def totals(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The figures of all items together, for what is partly right."""
    return {name: sum(row["calls"][name] for row in rows) for name in COUNTED}


def _prompt(talk: Talk, model: Talker, new_tokens: int) -> str:
    prompt = model.prompt_of(talk.messages, talk.play.tools)
    if not talk.first_prompt:
        talk.first_prompt = prompt
        if prompt == model.prompt_of(talk.messages, ()):
            talk.flags.add("tools_not_shown")
    if model.is_too_long(prompt, new_tokens):
        talk.flags.add("prompt_cut")
    return prompt


def _row(task: SuiteTask, talk: Talk) -> dict[str, Any]:
    figures, item = talk.figures(), talk.item
    answer = exact_match(talk.answer or "", item.target, task.task.extract)
    complete = figures["right"] == figures["expected"]
    flags = Counter(
        {
            "calls_missing": not complete,
            "unneeded_call": figures["unneeded"],
            "malformed_call": figures["malformed"],
            "turn_limit": talk.answer is None,
            "wrong_answer": talk.answer is not None and not answer.value,
        }
    )
    transcript, kept = _transcript(talk.messages)
    cut = {"transcript_cut"} if kept != transcript else set()
    row = {
        "task": task.task.name, "item": item.id, "item_hash": item.hash, "prompt_hash": sha256_hex(talk.first_prompt.encode()),
        "target": item.target, "filter": FILTER, "response": kept, "score": str(int(complete and talk.answer is not None and answer.value == 1)),
        "flags": sorted({*(+flags), *talk.flags, *cut}), "calls": figures, "turns": talk.turns,
        "transcript_sha256": sha256_hex(transcript.encode()),
    }  # fmt: skip
    return row if item.cluster is None else row | {"cluster": item.cluster}


def _transcript(messages: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """The conversation as canonical JSON, whole and as it is kept: the messages that fit, and how many are left out."""
    whole = canonical(list(messages)).decode()
    if len(whole) <= LONGEST_TRANSCRIPT:
        return whole, whole
    kept: list[Mapping[str, Any]] = []
    room = LONGEST_TRANSCRIPT - 100
    for message in messages:
        room -= len(canonical(message).decode()) + 1
        if room < 0:
            break
        kept.append(message)
    cut = {"role": "cut", "messages": len(messages) - len(kept)}
    return whole, canonical([*kept, cut]).decode()
