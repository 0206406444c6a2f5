"""An endpoint of our own on the loopback address that answers as a test tells it to, in OpenAI's protocol."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "acme-large"
KEY_VARIABLE = "CHARTER_ENDPOINT_KEY_STUB"
KEY = "sk-very/secret.0123456789"


@dataclass(frozen=True)
class Response:
    """What goes back over the wire."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


Behaviour = Callable[[dict[str, Any], int], Response]
"""(request, its number from 0) → response."""


@dataclass
class Stub:
    """A running endpoint: where it is, what it was asked, and how it answers."""

    base_url: str
    behave: Behaviour
    asked: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return self.base_url.removeprefix("http://").partition("/")[0]

    def endpoint(self, **changes: Any) -> dict[str, Any]:
        """The part of a model's content that leads here."""
        usual = {"flavour": "chat", "timeout_seconds": 20, "retries": 1, "key_variable": ""}
        return {"base_url": self.base_url, "model": MODEL, **usual, **changes}


def completion(text: str | None, *, model: str | None = MODEL, **more: Any) -> Response:
    """A chat completion with this text; `more` goes into the message."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **more}, "finish_reason": "stop"}
    return whole([choice], model=model)


def whole(choices: list[dict[str, Any]], *, model: str | None = MODEL, **more: Any) -> Response:
    body = {"id": "cmpl-1", "object": "chat.completion", "model": model, "choices": choices, **more}
    return Response(json.dumps(body).encode())


def calling(name: str, arguments: str, text: str | None = None) -> Response:
    """A turn that calls a tool."""
    call = {"id": "theirs-1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return completion(text, tool_calls=[call])


def prompt_of(request: dict[str, Any]) -> str:
    """The last thing that was said, or the text to go on with."""
    return str(request["messages"][-1]["content"] if "messages" in request else request["prompt"])


def sums(request: dict[str, Any], _: int) -> Response:
    """Adds as it is asked to, but for 1 + 1."""
    a, b = prompt_of(request).removesuffix("?").split(" + ")
    return completion("3" if (a, b) == ("1", "1") else f" {int(a) + int(b)}\n", system_fingerprint=None)


@contextmanager
def serving(behave: Behaviour) -> Iterator[Stub]:
    """The endpoint as long as the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler())
    server.daemon_threads = True
    stub = Stub(f"http://127.0.0.1:{server.server_port}/v1", behave)
    server.stub = stub  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler() -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            stub: Stub = self.server.stub  # type: ignore[attr-defined]
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                number = len(stub.asked)
                stub.asked.append(request)
                stub.paths.append(self.path)
                stub.keys.append(self.headers.get("Authorization", ""))
            response = stub.behave(request, number)
            # Whoever asked may have given up meanwhile.
            with suppress(ConnectionError):
                self._send(response)

        def _send(self, response: Response) -> None:
            self.send_response(response.status)
            for name, value in {"Content-Length": str(len(response.body)), **response.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(response.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the tests look at what was asked."""

    return Handler
