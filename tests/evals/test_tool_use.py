"""Tasks with tools: what items may say, how calls are read, how a conversation goes, and what of it counts."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from evals.harness import agentic
from evals.harness.agentic import LONGEST_TRANSCRIPT, play
from evals.harness.endpoint import EndpointModel
from evals.harness.results import jsonl, task_result
from evals.harness.suite import SuiteTask, read_suite
from evals.harness.tools import Messages, Reply, Tool, called, read_reply, same
from governance.ledger.canonical import loads_canonical
from governance.registry.kinds import get
from governance.registry.kinds.base import ContentError
from governance.registry.kinds.model import Endpoint
from tests.evals.conftest import MakeJob, write_suite
from tests.evals.stub_endpoint import Response, calling, completion, serving
from tests.evals.test_harness import SUMS, rows_of, run_here
from training.runner.failures import BadInput

WEATHER = {
    "name": "weather",
    "description": "The weather of a day.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "day": {"type": "integer"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "results": [
        {"arguments": {"city": "Bern", "day": 1}, "result": "snow"},
        {"arguments": {"city": "Bern"}, "result": "rain"},
    ],
    "otherwise": "unknown city",
}
CLOCK = {
    "name": "clock",
    "description": "The hour.",
    "parameters": {"type": "object"},
    "results": [{"result": "noon"}],
}
BERN = {
    "id": "bern", "prompt": "Umbrella in Bern?", "target": "Yes", "tools": [WEATHER, CLOCK],
    "expected_calls": [{"name": "weather", "arguments": {"city": "Bern"}}],
}  # fmt: skip
TASK = {
    "name": "tools", "kind": "tool_use", "metric": "solved", "margin": "0.1", "file": "tools.jsonl", "max_turns": 4,
    "max_new_tokens": 20,
}  # fmt: skip
ASKS = '{"city": "Bern"}'

Turn = Callable[[Messages, Sequence[Tool]], Reply]


class Scripted:
    """A model whose turns are a function of the conversation."""

    def __init__(self, turn: Turn, *, shows_tools: bool = True, longest: int = 10**6) -> None:
        self.turn, self.shows_tools, self.longest = turn, shows_tools, longest
        self.seen: list[tuple[Messages, Sequence[Tool]]] = []
        self.rounds: list[int] = []

    def prompt_of(self, messages: Messages, tools: Sequence[Tool]) -> str:
        self.seen.append((list(messages), tools))
        names = [tool.name for tool in tools] if self.shows_tools else []
        return json.dumps([list(messages), names])

    def replies(self, prompts: Sequence[str], settings: Mapping[str, Any]) -> list[Reply]:
        self.rounds.append(len(prompts))
        assert settings["do_sample"] is False
        by_prompt = {json.dumps([messages, [tool.name for tool in tools] if self.shows_tools else []]): (messages, tools)
                     for messages, tools in self.seen if tools}  # fmt: skip
        return [self.turn(*by_prompt[prompt]) for prompt in prompts]

    def is_too_long(self, text: str, new_tokens: int) -> bool:
        return len(text) > self.longest


def task_of(tmp_path, items: Sequence[Mapping[str, Any]] = (BERN,), **task: Any) -> SuiteTask:
    content = write_suite(tmp_path / "suite", [{**TASK, **task}], {"tools.jsonl": items})
    (found,) = read_suite(get("eval-suite").parse(content).model_dump(), tmp_path / "suite")
    return found


def played(tmp_path, turn: Turn, items: Sequence[Mapping[str, Any]] = (BERN,), **more: Any) -> dict[str, Any]:
    model = {name: more.pop(name) for name in ("shows_tools", "longest") if name in more}
    task = task_of(tmp_path, items, **more)
    (row, *_) = play(task, task.items, Scripted(turn, **model))
    jsonl([row])
    return row


def replies(*turns: Reply) -> Turn:
    return lambda messages, _: turns[sum(message["role"] == "assistant" for message in messages)]


def call(arguments: str, name: str = "weather") -> Reply:
    return Reply("", (called(name, arguments),))


class TestConversation:
    def test_the_right_call_and_the_right_answer_solve_it(self, tmp_path):
        row = played(tmp_path, replies(call(ASKS), Reply("Yes")))
        assert (row["score"], row["flags"], row["turns"]) == ("1", [], 2)
        assert row["calls"] == {"expected": 1, "right": 1, "unneeded": 0, "malformed": 0}
        assert json.loads(row["response"]) == [
            {"role": "user", "content": "Umbrella in Bern?"},
            {"role": "assistant", "content": "", "calls": [{"id": "call00001", "name": "weather", "arguments": ASKS}]},
            {"role": "tool", "id": "call00001", "name": "weather", "content": "rain"},
            {"role": "assistant", "content": "Yes", "calls": []},
        ]  # fmt: skip
        assert row["transcript_sha256"] == hashlib.sha256(row["response"].encode()).hexdigest()

    @pytest.mark.parametrize(
        ("turns", "figures", "flags"),
        [
            ([Reply("Yes")], (0, 0, 0), ["calls_missing"]),
            ([call(ASKS), Reply("No")], (1, 0, 0), ["wrong_answer"]),
            ([call(ASKS), Reply("yes")], (1, 0, 0), ["wrong_answer"]),
            ([call('{"city": "Basel"}'), Reply("Yes")], (0, 1, 0), ["calls_missing", "unneeded_call"]),
            ([call('{"city": "Bern", "day": 1}'), Reply("Yes")], (0, 1, 0), ["calls_missing", "unneeded_call"]),
            ([call('{"city": 5}'), Reply("Yes")], (0, 0, 1), ["calls_missing", "malformed_call"]),
            ([call('{"town": "Bern"}'), Reply("Yes")], (0, 0, 1), ["calls_missing", "malformed_call"]),
            ([call('{"city": "Bern"'), Reply("Yes")], (0, 0, 1), ["calls_missing", "malformed_call"]),
            ([call('["Bern"]'), Reply("Yes")], (0, 0, 1), ["calls_missing", "malformed_call"]),
            ([call(ASKS, "wether"), Reply("Yes")], (0, 0, 1), ["calls_missing", "malformed_call"]),
            ([call(ASKS, "no name!"), Reply("Yes")], (0, 0, 1), ["calls_missing", "malformed_call"]),
            ([call("1e9999999999"), Reply("Yes")], (0, 0, 1), ["calls_missing", "malformed_call"]),
            ([call("[" * 3000), Reply("Yes")], (0, 0, 1), ["calls_missing", "malformed_call"]),
            ([call('{"city": ' + "[" * 900 + "]" * 900 + "}"), Reply("Yes")], (0, 0, 1), ["calls_missing", "malformed_call"]),
            ([call(ASKS)] * 4, (1, 3, 0), ["turn_limit", "unneeded_call"]),
            ([Reply("", (called("weather", ASKS),) * 40), Reply("Yes")], (1, 31, 8), ["malformed_call", "unneeded_call"]),
        ],
    )  # fmt: skip
    def test_what_is_partly_right_is_counted_and_named(self, tmp_path, turns, figures, flags):
        row = played(tmp_path, replies(*turns))
        assert (row["calls"]["right"], row["calls"]["unneeded"], row["calls"]["malformed"]) == figures
        assert row["flags"] == flags
        assert row["score"] == ("1" if set(flags) <= {"malformed_call", "unneeded_call"} else "0")

    def test_a_detour_that_ends_well_is_solved_and_the_detour_told(self, tmp_path):
        row = played(tmp_path, replies(call('{"city": 5}'), call("", "clock"), call(ASKS), Reply("Yes")))
        assert (row["score"], row["flags"]) == ("1", ["malformed_call", "unneeded_call"])

    def test_results_come_by_the_arguments_and_faults_are_told_to_the_model(self, tmp_path):
        asked = ['{"city": "Bern", "day": 1.0}', '{"city": "Oslo"}', '{"town": 1}', '{"city"']
        row = played(
            tmp_path, replies(Reply("", tuple(called("weather", one) for one in asked)), Reply("Yes"))
        )
        told = [message["content"] for message in json.loads(row["response"])[2:-1]]
        assert told[:2] == ["snow", "unknown city"]
        assert told[2].startswith("Error: ")
        assert told[3] == "Error: a tool call could not be read."

    def test_an_expected_call_counts_once_each_time_it_is_expected(self, tmp_path):
        twice = {**BERN, "expected_calls": BERN["expected_calls"] * 2}
        assert played(tmp_path, replies(call(ASKS), Reply("Yes")), [twice])["flags"] == ["calls_missing"]

    def test_without_an_expected_call_the_answer_alone_counts(self, tmp_path):
        none = {**BERN, "expected_calls": []}
        assert played(tmp_path, replies(Reply("Yes")), [none])["score"] == "1"

    def test_the_answer_may_be_extracted(self, tmp_path):
        row = played(tmp_path, replies(call(ASKS), Reply("Rain, so: Yes.")), extract="so: (Yes|No)")
        assert row["score"] == "1"

    def test_conversations_end_each_by_itself_and_are_asked_together(self, tmp_path):
        items = [{**BERN, "id": f"i{n}", "prompt": f"{n}?"} for n in range(3)]

        def turn(messages: Messages, _: Sequence[Tool]) -> Reply:
            done = len(messages) >= 1 + 2 * int(messages[0]["content"][0])
            return Reply("Yes") if done else call(ASKS)

        task = task_of(tmp_path, items)
        model = Scripted(turn)
        rows = play(task, task.items, model)
        assert model.rounds == [3, 2, 1]
        assert [row["turns"] for row in rows] == [1, 2, 3]
        result = task_result(task, rows)
        assert result["calls"] == {"expected": 3, "right": 2, "unneeded": 1, "malformed": 0}
        assert (result["n"], result["filter"]) == (3, "final_answer")
        assert result["flags"] == {"calls_missing": 1, "unneeded_call": 1}

    def test_a_long_transcript_is_kept_to_a_limit_with_the_digest_of_all_of_it(self, tmp_path):
        long = {**BERN, "tools": [{**WEATHER, "otherwise": "x" * 9_000}]}
        row = played(tmp_path, replies(*[call('{"city": "Oslo"}')] * 3, Reply("Yes")), [long])
        kept = json.loads(row["response"])
        assert len(row["response"]) <= LONGEST_TRANSCRIPT
        assert kept[-1] == {"role": "cut", "messages": 8 - (len(kept) - 1)}
        assert "transcript_cut" in row["flags"]
        assert row["transcript_sha256"] != hashlib.sha256(row["response"].encode()).hexdigest()

    def test_a_template_that_hides_the_tools_or_a_cut_prompt_is_told(self, tmp_path):
        row = played(tmp_path, replies(Reply("Yes")), shows_tools=False, longest=5)
        assert row["flags"] == ["calls_missing", "prompt_cut", "tools_not_shown"]


class TestReading:
    @pytest.mark.parametrize(
        ("text", "said", "calls"),
        [
            ("Yes", "Yes", []),
            ('<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>', "", [("f", {"a": 1})]),
            ('Look.<tool_call>{"name": "f", "arguments": {}}</tool_call><tool_call>{"name": "g", "arguments": {}}', "Look.", [("f", {}), ("g", {})]),
            ('[TOOL_CALLS][{"name": "f", "arguments": {"a": 1}}, {"name": "g", "arguments": {}}]', "", [("f", {"a": 1}), ("g", {})]),
            ('[{"name": "f", "arguments": {"a": 1}}]', "", [("f", {"a": 1})]),
            ('{"name": "f", "parameters": {"a": "x"}}', "", [("f", {"a": "x"})]),
            ('<|python_tag|>{"name": "f", "parameters": {}}', "", [("f", {})]),
            ('{"name": "f", "arguments": "{\\"a\\": 1}"}', "", [("f", {"a": 1})]),
            ('{"name": "Ada", "age": 3}', '{"name": "Ada", "age": 3}', []),
            ("[1, 2]", "[1, 2]", []),
            ("[]", "[]", []),
            ("<tool_call>f(a=1)</tool_call>", "", [("", None)]),
            ('<tool_call>{"name": "f"}</tool_call>', "", [("", None)]),
            ('<tool_call>{"name": 5, "arguments": {}}</tool_call>', "", [("", None)]),
            ("[TOOL_CALLS]f{}", "", [("", None)]),
            ('<tool_call>{"name": "f", "arguments": {"a": 1e400}}</tool_call>', "", [("", None)]),
            ("<tool_call>" + "[" * 5000, "", [("", None)]),
        ],
    )  # fmt: skip
    def test_the_documented_forms_are_read_and_others_are_malformed_or_text(self, text, said, calls):
        found = read_reply(text)
        assert found.text == said
        assert [(one.name, one.arguments) for one in found.calls] == calls

    @pytest.mark.parametrize(
        ("a", "b", "are"),
        [
            (1, "1.0", True), ("0.10", "1e-1", True), (0, "-0.0", True), (10**40, "1e40", True), (True, 1, False),
            (None, False, False), ('"1"', "1", False), ([1, 2], [2, 1], False), ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
            (10**40, 10**40 + 1, False), ("1e999999", "1e999999", True),
        ],
    )  # fmt: skip
    def test_arguments_are_the_same_by_value(self, a, b, are):
        from governance.ledger.canonical import loads

        read = [loads(one) if isinstance(one, str) and one[0] in '-0123456789"' else one for one in (a, b)]
        assert same(*read) is are


class TestItems:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"tools": []}, ["line 1: tools", "at least 1 item"]),
            ({"tools": "weather"}, ["tools", "list"]),
            ({"tools": [WEATHER, WEATHER]}, ["two tools have the same name"]),
            ({"tools": [{**WEATHER, "name": "no name"}]}, ["tools.0.name"]),
            ({"tools": [{**WEATHER, "parameters": {"type": "array"}}]}, ["tools.0.parameters", "type object"]),
            ({"tools": [{**WEATHER, "parameters": {"type": "object", "properties": 5}}]}, ["no JSON schema"]),
            ({"tools": [{**WEATHER, "parameters": {"type": "object", "properties": {"a": {"$ref": "http://10.0.0.1/s"}}}}]}, ["references"]),
            ({"tools": [{**WEATHER, "command": "rm"}]}, ["tools.0.command"]),
            ({"tools": [{**WEATHER, "results": [{"result": 5}]}]}, ["tools.0.results.0.result"]),
            ({"expected_calls": [{"name": "wether"}]}, ["'wether' is expected", "not among the tools"]),
            ({"expected_calls": [{"name": "weather", "arguments": {"city": 5}}]}, ["does not fit the tool's schema"]),
            ({"expected_calls": None}, ["expected_calls"]),
            ({"target": ""}, ["'target' must hold text"]),
        ],
    )  # fmt: skip
    def test_items_that_cannot_be_played_are_refused_by_line_and_field(self, tmp_path, changes, words):
        with pytest.raises(BadInput) as refused:
            task_of(tmp_path, [{**BERN, **changes}])
        for word in ["tools.jsonl, line 1", *words]:
            assert word in str(refused.value)

    def test_an_item_without_expected_calls_is_refused(self, tmp_path):
        with pytest.raises(BadInput, match="expected_calls: Field required"):
            task_of(tmp_path, [{key: value for key, value in BERN.items() if key != "expected_calls"}])

    @pytest.mark.parametrize(
        ("task", "words"),
        [
            ({"max_turns": None}, "needs `max_turns`"),
            ({"max_turns": 0}, "max_turns"),
            ({"max_turns": 33}, "max_turns"),
            ({"few_shot": 1}, "no few-shot examples"),
            ({"choices_field": "tools"}, "choices_field"),
            ({"kind": "exact_match"}, "needs `max_turns`"),
        ],
    )
    def test_tasks_that_make_no_sense_are_refused(self, tmp_path, task, words):
        with pytest.raises(ContentError, match=words):
            task_of(tmp_path, **task)

    def test_tools_need_the_chat_template(self, tmp_path):
        content = write_suite(tmp_path / "suite", [TASK], {"tools.jsonl": [BERN]})
        with pytest.raises(ContentError, match="chat template"):
            get("eval-suite").parse({**content, "chat_template": False})

    def test_the_hash_of_an_item_is_of_its_tools_too(self, tmp_path):
        items = [
            BERN,
            {**BERN, "id": "2", "tools": [WEATHER]},
            {**BERN, "id": "3", "expected_calls": []},
            {**BERN, "id": "4"},
        ]
        hashes = [item.hash for item in task_of(tmp_path, items).items]
        assert len(set(hashes)) == 3
        assert hashes[0] == hashes[3]

    def test_the_turn_limit_is_part_of_what_is_measured(self, tmp_path):
        assert task_of(tmp_path / "a").version != task_of(tmp_path / "b", max_turns=5).version


def agent(request: dict[str, Any], _: int) -> Response:
    """Asks for the weather, then says what follows from it."""
    last = request["messages"][-1]
    if last["role"] == "user":
        assert request["tools"][0]["function"]["parameters"] == WEATHER["parameters"]
        return calling("weather", ASKS)
    assert request["messages"][-2]["tool_calls"][0]["id"] == last["tool_call_id"]
    return completion("Yes" if last["content"] == "rain" else "No")


class TestModels:
    def test_an_endpoint_that_calls_tools(self, tmp_path):
        from evals.harness.client import Client

        task = task_of(tmp_path, [BERN, {**BERN, "id": "no", "target": "No"}])
        with serving(agent) as stub:
            client = Client(Endpoint.model_validate(stub.endpoint()), "", at_once=2, report=lambda _: None)
            model = EndpointModel(client, 7)
            first, second = play(task, task.items, model)
            again = play(task, task.items, model)
        assert [first, second] == again
        assert (first["score"], first["calls"]["right"]) == ("1", 1)
        assert (second["score"], second["flags"]) == ("0", ["wrong_answer"])
        assert len(stub.asked) == 8
        assert stub.asked[0]["seed"] == 7
        assert model.settings(chat_template=True)["endpoint"]["finish_reasons"] == {"stop": 8}
        assert model.warnings() == []
        (warning,) = [one for one in EndpointModel(client, 7, "private").warnings() if "private" in one]
        assert "whoever runs it has seen them" in warning

    def test_the_small_model_plays_and_solves_nothing(self, make_job: MakeJob):
        """It learned sums by heart and no tool: the figures say so, and the template's silence on tools is told."""
        files = {"tools.jsonl": [BERN], "sums.jsonl": [{"id": "a", "prompt": "1 + 2?", "target": "3"}]}
        folder = make_job([TASK, SUMS], files)
        result = run_here(folder)
        tasks = {task["task"]: task for task in result["summary"]["results"]}
        assert (tasks["tools"]["score"], tasks["sums"]["score"]) == ("0", "1")
        assert tasks["tools"]["calls"] == {"expected": 1, "right": 0, "unneeded": 0, "malformed": 0}
        row = next(row for row in rows_of(folder) if row["task"] == "tools")
        assert {"tools_not_shown", "calls_missing"} <= set(row["flags"])
        assert json.loads(row["response"])[0] == {"role": "user", "content": BERN["prompt"]}
        assert (
            row["prompt_hash"]
            == hashlib.sha256(f"<|user|>{BERN['prompt']}<|end|><|assistant|>".encode()).hexdigest()
        )
        assert run_here(make_job([TASK, SUMS], files))["outputs"] == result["outputs"]

    def test_a_template_that_refuses_tools_is_named(self, small_model):
        from evals.harness.model import load
        from evals.harness.params import Params
        from tests.evals.conftest import pinned
        from training.runner.job import JobInput

        about = JobInput.model_validate(pinned("model:small@1", "model", small_model, {}))
        model = load(about, Params(), lambda _: None, chat_template=True)
        model.tokenizer.chat_template = "{% if tools %}{{ raise_exception('no tools here') }}{% endif %}x"
        tool = Tool.model_validate(CLOCK)
        with pytest.raises(BadInput, match="cannot write a conversation with tools: no tools here"):
            model.prompt_of([{"role": "user", "content": "x"}], [tool])
        model.tokenizer.chat_template = (
            "{% for t in tools or [] %}{{ t.function.name }};{% endfor %}"
            "{% for m in messages %}{{ m.role }}:{% for c in m.tool_calls or [] %}{{ c.function.arguments.a }}{% endfor %}{{ m.content }}|{% endfor %}"
        )
        called_it = {
            "role": "assistant",
            "content": "",
            "calls": [{"id": "call00001", "name": "clock", "arguments": '{"a": 5}'}],
        }
        answered = {"role": "tool", "id": "call00001", "name": "clock", "content": "noon"}
        assert model.prompt_of([called_it, answered], [tool]) == "clock;assistant:5|tool:noon|"


def test_the_figures_are_all_that_is_counted(tmp_path):
    row = played(tmp_path, replies(Reply("Yes")))
    assert tuple(row["calls"]) == agentic.COUNTED
    assert loads_canonical(jsonl([row]).rstrip(b"\n")) == row
