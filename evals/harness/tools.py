"""Tools in a task of the kind `tool_use`: what an item offers, what a model's calls are, and when two of them are the same."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Annotated, Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from governance.ledger.canonical import CanonicalError, canonical, loads, sha256_hex

NAME = r"[A-Za-z_][A-Za-z0-9_-]{0,63}"
MOST_TOOLS, MOST_CALLS, MOST_STUBS = 32, 32, 200
TAGGED = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.DOTALL)
MARKED = "[TOOL_CALLS]"
EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)

Messages = Sequence[Mapping[str, Any]]
"""A conversation: `role` and `content`, of an assistant also `calls`, of a tool the `call` that it answers."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _usable(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in (text := as_text(schema)) or "$dynamicRef" in text:
        raise ValueError("a tool's parameters hold no references ($ref); write the schema out")
    if schema.get("type") != "object":
        raise ValueError("a tool's parameters are a JSON schema with the type object")
    try:
        Draft202012Validator.check_schema(simple(schema))
    except SchemaError as error:
        raise ValueError(f"this is no JSON schema: {error.message[:200]}") from error
    return schema


class Stub(_Part):
    """A result for calls that have at least these arguments."""

    arguments: dict[str, Any] = Field(default_factory=dict)
    result: str = Field(max_length=20_000)


class Tool(_Part):
    """A tool as the model sees it, and the results that stand for it: nothing is ever run."""

    name: str = Field(pattern=f"^{NAME}$")
    description: str = Field(min_length=1, max_length=5_000)
    parameters: Annotated[dict[str, Any], AfterValidator(_usable)]
    results: list[Stub] = Field(default_factory=list, max_length=MOST_STUBS)
    otherwise: str = Field(default="Error: there is no result for these arguments.", max_length=20_000)

    def fault(self, arguments: Any) -> str:
        """Why arguments do not fit the schema; empty when they do."""
        found = best_match(Draft202012Validator(simple(self.parameters)).iter_errors(simple(arguments)))
        return found.message[:200] if found else ""

    def result(self, arguments: Mapping[str, Any]) -> str:
        """The first result whose arguments are all there with the same values."""
        for stub in self.results:
            if all(
                name in arguments and same(arguments[name], value) for name, value in stub.arguments.items()
            ):
                return stub.result
        return self.otherwise


class Expected(_Part):
    """A call that must be made, with exactly these arguments."""

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class Play(_Part):
    """The part of an item that is about tools."""

    tools: list[Tool] = Field(min_length=1, max_length=MOST_TOOLS)
    expected_calls: list[Expected] = Field(max_length=MOST_CALLS)

    @model_validator(mode="after")
    def _calls_are_possible(self) -> "Play":
        tools = {tool.name: tool for tool in self.tools}
        if len(tools) < len(self.tools):
            raise ValueError("two tools have the same name")
        for call in self.expected_calls:
            if call.name not in tools:
                raise ValueError(
                    f"a call of {call.name!r} is expected, which is not among the tools on offer"
                )
            if fault := tools[call.name].fault(call.arguments):
                raise ValueError(f"the expected call of {call.name} does not fit the tool's schema: {fault}")
        return self

    @property
    def hash(self) -> str:
        """SHA-256 of all that is offered, answered and expected."""
        return sha256_hex(canonical(exact(self.model_dump())))


@dataclass(frozen=True)
class Call:
    """A call as the model wrote it. `arguments` is None where `text` does not say what is called with what."""

    name: str
    text: str
    arguments: Mapping[str, Any] | None


@dataclass(frozen=True)
class Reply:
    """A model's turn: what it says, and what it calls."""

    text: str
    calls: tuple[Call, ...] = ()


def called(name: str, arguments: str) -> Call:
    """The call of a tool with arguments in JSON; without any text there are none."""
    text = keepable(arguments) or "{}"
    try:
        found = loads(text)
        exact(found)
    except (CanonicalError, RecursionError):
        found = None
    if not re.fullmatch(NAME, name) or not isinstance(found, dict):
        return Call("", keepable(f"{name[:100]} {text}"), None)
    return Call(name, text, found)


def read_reply(text: str) -> Reply:
    """A turn of a model that writes its calls as text, in one of the three forms that chat templates document.

    `<tool_call>{"name": …, "arguments": {…}}</tool_call>` (Hermes, Qwen), `[TOOL_CALLS][{…}, …]` (Mistral), or nothing but
    such an object or list, with `parameters` for `arguments` if it likes (Llama 3.1). With a tag or mark, what cannot be read
    is a malformed call; without one it is text.
    """
    if tagged := TAGGED.findall(text):
        return Reply(TAGGED.sub("", text).strip(), tuple(_written(body) for body in tagged))
    before, mark, after = text.partition(MARKED)
    if mark:
        found = _all_written(after)
        return Reply(before.strip(), found or (Call("", after.strip(), None),))
    found = _all_written(text.replace("<|python_tag|>", ""))
    return Reply("", found) if found else Reply(text.strip())


def _written(body: str) -> Call:
    found = _all_written(body)
    return found[0] if len(found) == 1 else Call("", body.strip(), None)


def _all_written(text: str) -> tuple[Call, ...]:
    """The calls that a text consists of; none where it is anything else."""
    try:
        value = loads(text.strip())
        calls = [_call_of(one) for one in (value if isinstance(value, list) else [value])]
    except (ValueError, RecursionError):
        return ()
    return tuple(call for call in calls if call) if all(calls) else ()


def _call_of(value: Any) -> Call | None:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return None
    arguments = value.get("arguments", value.get("parameters"))
    if isinstance(arguments, str):
        return called(value["name"], arguments)
    return called(value["name"], as_text(arguments)) if isinstance(arguments, dict) else None


def offered(tool: Tool) -> dict[str, Any]:
    """A tool in the form of OpenAI's protocol, which chat templates take too."""
    about = {
        "name": tool.name,
        "description": tool.description,
        "parameters": json.loads(as_text(tool.parameters)),
    }
    return {"type": "function", "function": about}


def as_messages(message: Mapping[str, Any], arguments: Callable[[str], Any]) -> dict[str, Any]:
    """A message of a conversation in that form; `arguments` turns their text into what the reader takes."""
    if message["role"] == "tool":
        return {
            "role": "tool",
            "tool_call_id": message["id"],
            "name": message["name"],
            "content": message["content"],
        }
    calls = [
        {
            "id": call["id"],
            "type": "function",
            "function": {"name": call["name"], "arguments": arguments(call["arguments"])},
        }
        for call in message.get("calls", ())
    ]
    return {
        "role": message["role"],
        "content": message["content"],
        **({"tool_calls": calls} if calls else {}),
    }


def same(a: Any, b: Any) -> bool:
    """Whether two values of JSON are the same: numbers by value, 1 and 1.0 alike; true is not 1."""
    return bool(exact(a) == exact(b))


def exact(value: Any) -> Any:
    """A value of JSON as canonical JSON without fractions, and with its type beside it, for comparing and hashing."""
    if isinstance(value, bool) or value is None:
        return ["word", str(value)]
    if isinstance(value, int | float | Decimal):
        number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
        return ["number", str(number.normalize(EXACT)) if number else "0"]
    if isinstance(value, Mapping):
        return ["object", [[key, exact(value[key])] for key in sorted(value)]]
    if isinstance(value, list | tuple):
        return ["list", [exact(item) for item in value]]
    return ["text", value]


def simple(value: Any) -> Any:
    """A value of JSON with floats for decimals, as libraries take it."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {key: simple(item) for key, item in value.items()}
    return [simple(item) for item in value] if isinstance(value, list | tuple) else value


def as_text(value: Any) -> str:
    """A value of JSON as text, in the order in which it was written. Raises ValueError for a number too large for a float."""
    return json.dumps(simple(value), ensure_ascii=False, allow_nan=False)


def keepable(text: str) -> str:
    """A text that UTF-8 can write: JSON may escape half a character."""
    return text.encode("utf-8", "replace").decode()
