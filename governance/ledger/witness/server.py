"""A witness's door: an ASGI application with the one endpoint of c2sp.org/tlog-witness (no framework, no database)."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from governance.ledger.proof import Extension, ProofError
from governance.ledger.witness import MAX_BODY, PATH, SIZE_TYPE
from governance.ledger.witness.memory import Memory, Refusal

TEXT = "text/plain; charset=utf-8"

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Answer = tuple[int, str, str]


def application(memory: Memory) -> Callable[[Mapping[str, Any], Receive, Send], Awaitable[None]]:
    """The witness over `memory`, to be served by any ASGI server."""

    async def serve(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        status, kind, text = await _answer(memory, scope, receive)
        headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(text.encode()))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text.encode()})

    return serve


async def _answer(memory: Memory, scope: Mapping[str, Any], receive: Receive) -> Answer:
    if scope["path"].strip("/").rpartition("/")[2] != PATH:
        return 404, TEXT, f"a witness has one address: /{PATH}\n"
    if scope["method"] != "POST":
        return 405, TEXT, "send the submission with POST\n"
    body = await _body(receive)
    if body is None:
        return 413, TEXT, f"a submission has at most {MAX_BODY} bytes\n"
    return _judge(memory, body)


def _judge(memory: Memory, body: bytes) -> Answer:
    try:
        return 200, TEXT, memory.add_checkpoint(Extension.parse(body.decode()))
    except (ProofError, UnicodeDecodeError) as error:
        return 400, TEXT, f"{error}\n"
    except Refusal as refusal:
        if refusal.size is not None:
            return refusal.status, SIZE_TYPE, f"{refusal.size}\n"
        return refusal.status, TEXT, f"{refusal}\n"


async def _body(receive: Receive) -> bytes | None:
    """The whole body, or None once it is too long."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
        if len(body) > MAX_BODY:
            return None
    return body
