"""Asks an address that speaks OpenAI's protocol: so many requests at once, each with a time limit and a bounded number of tries.

lm-eval's own classes for such addresses are not used: they send every error again, wait without regard to Retry-After, put an
empty text for an answer that they cannot read, and print answers as they came, with whatever secret stands in them.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evals.harness.tools import Call, called, keepable
from governance.ledger.canonical import CanonicalError, loads
from governance.registry.kinds.base import faults
from governance.registry.kinds.model import Endpoint
from training.runner.failures import EndpointFailed

LARGEST_ANSWER = 8 * 2**20
LONGEST_WAIT = 120.0
"""Seconds that an endpoint may ask to be left alone; more than that is for people to wait."""
FIRST_WAIT = 0.5
GLANCE_SECONDS = 0.2
EXCERPT = 200
PASSING = {408, 429}
"""Statuses that may pass by themselves, beside all from 500 on."""
MASK = "[key]"

Report = Callable[[int], None]


class _Loose(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Function(_Loose):
    name: str
    arguments: str


class _ToolCall(_Loose):
    function: _Function


class _Message(_Loose):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(_Loose):
    message: _Message | None = None
    text: str | None = None
    finish_reason: str | None = None


class _Body(_Loose):
    """What of an answer is read; the rest may be anything."""

    choices: list[_Choice] = Field(min_length=1, max_length=1)
    model: str | None = None
    system_fingerprint: str | None = None


@dataclass(frozen=True)
class Answer:
    """One answer, its texts without the key. `model` and `fingerprint` are what the server says of itself."""

    text: str
    calls: tuple[Call, ...]
    finish_reason: str
    model: str
    fingerprint: str


class _MayPass(Exception):
    """An error after which the request is sent again; `wait` is how long the server asked to be left alone."""

    def __init__(self, text: str, wait: float | None = None) -> None:
        super().__init__(text)
        self.wait = wait


class Client:
    """`at_once` is the most requests under way; `report(answered)` is called several times a second and may raise to stop."""

    def __init__(self, endpoint: Endpoint, key: str, *, at_once: int, report: Report) -> None:
        self.endpoint, self._key, self._at_once, self._report = endpoint, key, at_once, report
        place = "chat/completions" if endpoint.flavour == "chat" else "completions"
        self.url = f"{endpoint.base_url.rstrip('/')}/{place}"
        self._answered = 0

    def ask(self, payloads: Sequence[Mapping[str, Any]]) -> list[Answer]:
        """The answer to each payload, in order. Raises EndpointFailed at the first that cannot be had; none is kept then."""
        try:
            return asyncio.run(self._ask(payloads))
        except EndpointFailed as error:
            # The names of fields may hold the key as well as values do.
            raise EndpointFailed(self.masked(str(error))) from None

    def masked(self, text: str) -> str:
        """`text` without the key, in whatever way JSON may have written it."""
        for written in (self._key, self._key.replace("/", "\\/")) if self._key else ():
            text = text.replace(written, MASK)
        return text

    async def _ask(self, payloads: Sequence[Mapping[str, Any]]) -> list[Answer]:
        gate = asyncio.Semaphore(self._at_once)
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self.endpoint.timeout_seconds),
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=self._at_once),
        ) as session:
            tasks = [asyncio.create_task(self._one(session, gate, payload)) for payload in payloads]
            try:
                await self._watch(tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        return [task.result() for task in tasks]

    async def _watch(self, tasks: Sequence["asyncio.Task[Answer]"]) -> None:
        """Until all are done or one has failed; looks up in between, for whoever asked the job to stop."""
        waiting = set(tasks)
        while waiting:
            done, waiting = await asyncio.wait(
                waiting, timeout=GLANCE_SECONDS, return_when=asyncio.FIRST_EXCEPTION
            )
            for task in done:
                task.result()
            self._answered += len(done)
            self._report(self._answered)

    async def _one(
        self, session: aiohttp.ClientSession, gate: asyncio.Semaphore, payload: Mapping[str, Any]
    ) -> Answer:
        async with gate:
            for attempt in range(self.endpoint.retries + 1):
                try:
                    return await self._try(session, payload)
                except _MayPass as error:
                    if attempt == self.endpoint.retries:
                        raise EndpointFailed(
                            f"The endpoint {error}; tried {attempt + 1} times. Retry the run once it answers."
                        ) from None
                    wait = FIRST_WAIT * 2**attempt if error.wait is None else error.wait
                    await asyncio.sleep(wait)
        raise AssertionError  # the last attempt has returned or raised

    async def _try(self, session: aiohttp.ClientSession, payload: Mapping[str, Any]) -> Answer:
        # An error of the library may hold the request with its key: none is ever chained to ours.
        try:
            # A redirect would lead to a host that nobody has allowed.
            async with session.post(self.url, json=payload, allow_redirects=False) as response:
                body = await _bounded(response)
        except TimeoutError:
            raise _MayPass(f"did not answer within {self.endpoint.timeout_seconds} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise _MayPass(f"could not be reached ({type(error).__name__})") from None
        text = self.masked(body.decode("utf-8", "replace"))
        if response.status != 200:
            self._complain(response.status, response.headers.get("Retry-After"), text)
        return self._read(text)

    def _complain(self, status: int, retry_after: str | None, text: str) -> None:
        """Raise what a status other than 200 means."""
        said = f"status {status}{_excerpt(text)}"
        if status in PASSING or status >= 500:
            wait = _seconds(retry_after)
            if wait is not None and wait > LONGEST_WAIT:
                raise EndpointFailed(
                    f"The endpoint wants {wait:.0f} s of rest ({said}), more than the {LONGEST_WAIT:.0f} s that a run waits. "
                    "Retry the run later, or with a smaller batch_size."
                )
            raise _MayPass(f"answered with {said}", wait)
        if status in (401, 403):
            where = self.endpoint.key_variable or "no variable: the model names none"
            raise EndpointFailed(f"The endpoint refuses the key in {where} ({said}).")
        if 300 <= status < 400:
            raise EndpointFailed(
                f"The endpoint sends the request elsewhere (status {status}), which is not followed. Register the address "
                "where the model answers."
            )
        raise EndpointFailed(f"The endpoint refuses the request ({said}).")

    def _read(self, text: str) -> Answer:
        try:
            body = _Body.model_validate(loads(text))
        except CanonicalError as error:
            raise _MayPass(f"gave an answer that cannot be read ({error}{_excerpt(text)})") from None
        except ValidationError as error:
            field, rule = next(iter(faults(error)))
            raise EndpointFailed(f"The endpoint's answer is not as agreed: {field}: {rule}.") from None
        return self._answer(body)

    def _answer(self, body: _Body) -> Answer:
        (choice,) = body.choices
        message = choice.message or _Message(content=choice.text)
        said = message.refusal if message.content is None else message.content
        reason = self._told(choice.finish_reason or "not told")
        # A filter upstream has taken the text away: that is what a user gets, and it is counted.
        if said is None and not message.tool_calls and reason != "content_filter":
            raise EndpointFailed(
                f"The endpoint's answer holds no text (finish_reason: {reason}). Check the model's flavour and the suite's "
                "max_new_tokens: a model that thinks first may have used them up."
            )
        return Answer(
            text=self._sound(said or ""),
            calls=tuple(
                called(self._sound(call.function.name), self._sound(call.function.arguments))
                for call in message.tool_calls or ()
            ),
            finish_reason=reason,
            model=self._told(body.model or ""),
            fingerprint=self._told(body.system_fingerprint or ""),
        )

    def _sound(self, text: str) -> str:
        """A text as it may be kept: JSON may have escaped letters of the key, too."""
        return self.masked(keepable(text))

    def _told(self, text: str) -> str:
        """What the server says of itself, short and on one line."""
        return _excerpt(self._sound(text)).removeprefix(": ")


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(2**16):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise EndpointFailed(f"The endpoint's answer is longer than {LARGEST_ANSWER // 2**20} MiB.")
    return bytes(body)


def _seconds(retry_after: str | None) -> float | None:
    """What a Retry-After header asks for (RFC 9110, 10.2.3: seconds or a date), None for none that can be read."""
    if retry_after is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", retry_after.strip()):
        return float(retry_after)
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _excerpt(text: str) -> str:
    """The beginning of a body for people, on one line; `text` has no key in it any more."""
    plain = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return f": {plain[:EXCERPT]}" if plain else ""
