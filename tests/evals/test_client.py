"""Asking an endpoint: what comes back right, what is tried again, and what ends the run, with a reason and without the key."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from evals.harness import client as asking
from evals.harness.client import MASK, Answer, Client
from governance.registry.kinds.model import Endpoint
from tests.evals import stub_endpoint
from tests.evals.stub_endpoint import KEY, KEY_VARIABLE, Behaviour, Response, completion, serving, whole
from training.runner.failures import Cancelled, EndpointFailed

CHAT = {"messages": [{"role": "user", "content": "1 + 2?"}]}
HTML = b"<html><head><title>502</title></head><body>Bad gateway</body></html>"


ESCAPED = "".join(f"\\u{ord(letter):04x}" for letter in KEY)


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "FIRST_WAIT", 0.01)


def ask(
    behave: Behaviour,
    payloads: int = 1,
    *,
    key: str = KEY,
    report: Callable[[int], None] = lambda _: None,
    at_once: int = 4,
    **endpoint: Any,
) -> tuple[list[Answer], stub_endpoint.Stub]:
    with serving(behave) as stub:
        about = Endpoint.model_validate(stub.endpoint(key_variable=KEY_VARIABLE, **endpoint))
        client = Client(about, key, at_once=at_once, report=report)
        return client.ask([{**CHAT, "number": number} for number in range(payloads)]), stub


def failure(behave: Behaviour, **more: Any) -> str:
    with pytest.raises(EndpointFailed) as failed:
        ask(behave, **more)
    assert failed.value.__cause__ is None
    assert KEY not in str(failed.value)
    return str(failed.value)


def always(response: Response) -> Behaviour:
    return lambda _request, _number: response


def first(response: Response, *, then: Response = completion("3")) -> Behaviour:  # noqa: B008 -- frozen
    return lambda _request, number: response if number == 0 else then


def test_answers_come_back_in_the_order_of_the_questions() -> None:
    def behave(request: dict[str, Any], _: int) -> Response:
        time.sleep(0.02 * (5 - request["number"]))
        return completion(str(request["number"]), system_fingerprint="in the message it says nothing")

    answers, stub = ask(behave, 5)
    assert [answer.text for answer in answers] == ["0", "1", "2", "3", "4"]
    assert {answer.model for answer in answers} == {stub_endpoint.MODEL}
    assert set(stub.paths) == {"/v1/chat/completions"}
    assert set(stub.keys) == {f"Bearer {KEY}"}


def test_no_more_requests_are_under_way_than_asked_for() -> None:
    lock, now, most = threading.Lock(), [0], [0]

    def behave(_request: dict[str, Any], _: int) -> Response:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.05)
        with lock:
            now[0] -= 1
        return completion("x")

    ask(behave, 9, at_once=3)
    assert most == [3]


def test_without_a_key_none_is_sent() -> None:
    _, stub = ask(always(completion("3")), key="")
    assert stub.keys == [""]


def test_completions_go_to_their_own_path() -> None:
    answers, stub = ask(
        always(whole([{"index": 0, "text": " 3", "finish_reason": "length"}])), flavour="completions"
    )
    assert (answers[0].text, answers[0].finish_reason, stub.paths) == (" 3", "length", ["/v1/completions"])


@pytest.mark.parametrize(
    "error",
    [
        Response(b"oops", 500),
        Response(b"", 503),
        Response(HTML, 502, {"Content-Type": "text/html"}),
        Response(b"slow down", 429, {"Retry-After": "0"}),
        Response(b"slow down", 429, {"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}),
        Response(b"slow down", 429, {"Retry-After": "soon"}),
        Response(b"", 408),
        Response(completion("3").body[:-20]),
        Response(HTML, 200, {"Content-Type": "text/html"}),
        Response(b'{"choices": NaN}'),
    ],
    ids=lambda error: f"{error.status} {error.body[:12]!r} {error.headers.get('Retry-After', '')}",
)
def test_what_may_pass_is_asked_again(error: Response) -> None:
    answers, stub = ask(first(error))
    assert (answers[0].text, len(stub.asked)) == ("3", 2)


def test_a_retry_waits_as_long_as_the_endpoint_asks() -> None:
    began = time.monotonic()
    ask(first(Response(b"", 429, {"Retry-After": "1"})))
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (Response(b"oops", 500), ["answered with status 500: oops; tried 2 times"]),
        (Response(HTML, 200, {"Content-Type": "text/html"}), ["gave an answer that cannot be read", "not JSON", "Bad gateway"]),
        (Response(completion("3").body[:-20]), ["cannot be read", "not JSON"]),
        (Response(b'{"choices": [{"message": {"content": NaN}}]}'), ["cannot be read", "NaN"]),
        (Response(b"[" * 100_000), ["cannot be read"]),
        (Response(b"\xff\xfe"), ["cannot be read"]),
        (Response(b""), ["cannot be read"]),
        (Response(b"later", 429, {"Retry-After": "86400"}), ["86400 s of rest", "429: later", "Retry the run later"]),
        (Response(b'{"error": {"message": "no such model"}}', 404), ["refuses the request", "404", "no such model"]),
        (Response(b"", 302, {"Location": "http://169.254.169.254/"}), ["elsewhere (status 302)", "not followed"]),
        (Response(json.dumps({"error": f"Bad key {KEY}"}).encode(), 401), ["refuses the key in CHARTER_ENDPOINT_KEY_STUB", MASK]),
        (Response(f'"Bad key {KEY.replace("/", chr(92) + "/")}"'.encode(), 403), ["refuses the key", MASK]),
        (Response(f"Bad key {KEY}".encode(), 500), [MASK]),
        (Response(f'{{"{ESCAPED}": 1, "{ESCAPED}": 2}}'.encode()), ["cannot be read", MASK]),
        (whole([]), ["not as agreed: choices", "at least 1 item"]),
        (whole([{"index": n, "message": {"content": "3"}} for n in range(2)]), ["not as agreed: choices", "at most 1 item"]),
        (Response(b"{}"), ["not as agreed: choices"]),
        (Response(b"[]"), ["not as agreed"]),
        (Response(b'"3"'), ["not as agreed"]),
        (whole([{"index": 0, "message": {"content": ["3"]}}]), ["choices.0.message.content", "valid string"]),
        (completion(None), ["holds no text (finish_reason: stop)"]),
        (whole([{"index": 0, "finish_reason": "length", "message": {}}]), ["holds no text (finish_reason: length)"]),
        (Response(b'{"choices": [{"message": {"content": "' + b"a" * (9 * 2**20) + b'"}}]}'), ["longer than 8 MiB"]),
    ],
    ids=lambda value: f"{value.status} {value.body[:24]!r}" if isinstance(value, Response) else "",
)  # fmt: skip
def test_what_does_not_pass_ends_it_with_a_reason(response: Response, words: list[str]) -> None:
    said = failure(always(response))
    for word in words:
        assert word in said


def test_an_endpoint_that_hangs_is_given_up() -> None:
    released = threading.Event()

    def hang(_request: dict[str, Any], _: int) -> Response:
        released.wait(10)
        return completion("3")

    began = time.monotonic()
    try:
        assert "did not answer within 1 s; tried 2 times" in failure(hang, timeout_seconds=1)
    finally:
        released.set()
    assert time.monotonic() - began < 8


def test_an_endpoint_that_is_not_there_is_told() -> None:
    with serving(always(completion("3"))) as stub:
        gone = Endpoint.model_validate(stub.endpoint())
    with pytest.raises(EndpointFailed, match="could not be reached"):
        Client(gone, "", at_once=1, report=lambda _: None).ask([CHAT])


def test_one_failure_ends_all_and_nothing_is_left_under_way() -> None:
    def behave(request: dict[str, Any], _: int) -> Response:
        return Response(b"no", 400) if request["number"] == 3 else completion("x")

    with pytest.raises(EndpointFailed, match="400: no"):
        ask(behave, 200)


def test_a_key_that_the_model_repeats_is_masked_however_it_is_written() -> None:
    body = (
        f'{{"model": "{ESCAPED}", "system_fingerprint": "{KEY}", "choices": [{{"message": {{"content": "I say {ESCAPED}", '
        f'"tool_calls": [{{"function": {{"name": "f", "arguments": "{ESCAPED}"}}}}]}}}}]}}'
    )
    ((answer,), _) = ask(always(Response(body.encode())))
    assert KEY not in repr(answer)
    assert (answer.text, answer.model, answer.fingerprint) == (f"I say {MASK}", MASK, MASK)


def test_half_a_character_is_kept_as_something_that_can_be_written() -> None:
    ((answer,), _) = ask(always(Response(b'{"choices": [{"message": {"content": "a\\ud800b"}}]}')))
    assert answer.text == "a?b"


def test_what_a_filter_upstream_took_away_is_an_empty_answer_and_counted() -> None:
    filtered = {"index": 0, "finish_reason": "content_filter", "message": {"content": None}}
    ((answer,), _) = ask(always(whole([filtered])))
    assert (answer.text, answer.finish_reason) == ("", "content_filter")


def test_a_refusal_in_a_field_of_its_own_is_the_answer() -> None:
    ((answer,), _) = ask(always(completion(None, refusal="I cannot help.")))
    assert answer.text == "I cannot help."


def test_whoever_wants_to_stop_is_heard_while_requests_are_under_way() -> None:
    def stop(_: int) -> None:
        raise Cancelled("Stopped.")

    def slow(_request: dict[str, Any], _: int) -> Response:
        time.sleep(2)
        return completion("3")

    began = time.monotonic()
    with serving(slow) as stub, pytest.raises(Cancelled):
        Client(Endpoint.model_validate(stub.endpoint()), "", at_once=1, report=stop).ask([CHAT])
    assert time.monotonic() - began < 5
