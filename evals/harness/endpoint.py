"""The evaluated model inside lm-eval when it is served somewhere else: asked request by request, its weights unknown."""

import json
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, TextIO

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM

from evals.harness.client import Answer, Client, Report
from evals.harness.params import Params
from evals.harness.tools import Messages, Reply, Tool, as_messages, offered
from governance.registry.kinds.model import Endpoint
from training.runner.failures import BadInput, EndpointFailed
from training.runner.job import JobInput

NAMED = 10
"""Names and fingerprints of a server that are written down; all are counted."""
SEEDS = 2**32
"""Seeds lie below."""
WEIGHTS = "undisclosed by upstream"
NO_LIKELIHOOD = "An endpoint does not tell how likely a text is."


class EndpointModel(LM):  # type: ignore[misc]
    """Generates over an endpoint. Likelihoods it cannot give: `check` refuses the tasks that need them."""

    def __init__(self, client: Client, seed: int, status: str = "dev") -> None:
        """`status` is that of the suite, whose items leave the house."""
        super().__init__()
        self._client, self._seed, self._status = client, seed, status
        self._models: Counter[str] = Counter()
        self._fingerprints: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._empty = 0

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = True) -> list[str]:
        seen: Counter[int] = Counter()
        asked = []
        for request in requests:
            # lm-eval repeats the same instance, once a sample.
            prompt, settings = request.args
            asked.append(self._payload(prompt, settings, seen[id(request)]))
            seen[id(request)] += 1
        return [answer.text for answer in self._ask(asked)]

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        raise BadInput(NO_LIKELIHOOD)

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        raise BadInput(NO_LIKELIHOOD)

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """The messages as JSON: the template is applied where the model is served."""
        return _text({"messages": chat_history})

    @property
    def tokenizer_name(self) -> str:
        return ""

    def chat_template(self, chat_template: bool | str = False) -> str:
        return ""

    def is_too_long(self, text: str, new_tokens: int) -> bool:
        """Nobody here knows: an endpoint refuses what is too long for it, or cuts it and says nothing."""
        return False

    def prompt_of(self, messages: Messages, tools: Sequence[Tool]) -> str:
        """A conversation and its tools as they are sent."""
        sent = [_message(message) for message in messages]
        return _text({"messages": sent, "tools": [offered(tool) for tool in tools]})

    def replies(self, prompts: Sequence[str], settings: Mapping[str, Any]) -> list[Reply]:
        """The next turn of each conversation."""
        answers = self._ask([self._payload(prompt, settings) for prompt in prompts])
        return [Reply(answer.text, answer.calls) for answer in answers]

    def settings(self, *, chat_template: bool) -> dict[str, Any]:
        """What the record says of the machinery, and of who answered. Raises EndpointFailed when nobody said a word."""
        if self._empty == self._reasons.total():
            raise EndpointFailed(
                f"All {self._empty} answers of the endpoint are empty. Nothing was measured."
            )
        return {
            "libraries": {"aiohttp": version("aiohttp")},
            "chat_template_sha256": None,
            "dtype": None,
            "device": None,
            "endpoint": self._record(),
        }

    def _record(self) -> dict[str, Any]:
        endpoint = self._client.endpoint
        return {
            "base_url": endpoint.base_url,
            "flavour": endpoint.flavour,
            "asked": endpoint.model,
            "reported": sorted(self._models)[:NAMED],
            "fingerprints": sorted(self._fingerprints)[:NAMED],
            "finish_reasons": dict(sorted(self._reasons.most_common(NAMED))),
            "empty": self._empty,
            "weights": WEIGHTS,
            "warnings": list(self.warnings()),
        }

    def warnings(self) -> Sequence[str]:
        """What is odd about who answered, and what whoever runs the endpoint knows now."""
        asked, told = self._client.endpoint.model, sorted(self._models)
        found = []
        if self._status != "dev":
            found.append(
                f"The suite was sealed as {self._status}, and its items were sent to the endpoint: whoever runs it has seen them."
            )
        if not told:
            found.append("The endpoint does not say which model answered.")
        elif told != [asked]:
            found.append(
                f"Asked for {asked!r}, the endpoint says that {' and '.join(map(repr, told[:NAMED]))} answered."
            )
        if self._client.endpoint.no_temperature:
            found.append("No temperature was sent: how freely the endpoint draws its answers is not known.")
        if len(self._fingerprints) > 1:
            names = ", ".join(sorted(self._fingerprints)[:NAMED])
            found.append(
                f"The system fingerprint changed during the evaluation ({names}): not one system answered."
            )
        return found

    def _payload(self, prompt: str, settings: Mapping[str, Any], sample: int = 0) -> dict[str, Any]:
        """The request; each sample of an item has a seed of its own, or all of them would be one answer."""
        endpoint = self._client.endpoint
        asked = json.loads(prompt) if endpoint.flavour == "chat" else {"prompt": prompt}
        return {
            "model": endpoint.model,
            **{name: value for name, value in asked.items() if value},
            "max_completion_tokens" if endpoint.max_completion_tokens else "max_tokens": settings[
                "max_gen_toks"
            ],
            **({} if endpoint.no_temperature else {"temperature": settings.get("temperature", 0)}),
            "seed": (self._seed + sample) % SEEDS,
        }

    def _ask(self, payloads: Sequence[Mapping[str, Any]]) -> list[Answer]:
        answers = self._client.ask(payloads)
        for answer in answers:
            self._models.update([answer.model] if answer.model else [])
            self._fingerprints.update([answer.fingerprint] if answer.fingerprint else [])
            self._reasons[answer.finish_reason] += 1
            self._empty += not (answer.text.strip() or answer.calls)
        return answers


def connect(model: JobInput, params: Params, seed: int, report: Report, status: str) -> EndpointModel:
    """The model behind the endpoint of `model`. Its key leaves the environment of this process and is masked in its log."""
    endpoint = Endpoint.model_validate(model.content["endpoint"])
    key = os.environ.pop(endpoint.key_variable, "") if endpoint.key_variable else ""
    if endpoint.key_variable and not key:
        raise BadInput(f"{model.subject} needs a key in {endpoint.key_variable}, and the job has none.")
    client = Client(endpoint, key, at_once=params.batch_size, report=report)
    sys.stdout, sys.stderr = MaskedStream(sys.stdout, client), MaskedStream(sys.stderr, client)
    return EndpointModel(client, seed, status)


def check(endpoint: Mapping[str, Any], *, chat_template: bool) -> None:
    """Raise BadInput for a suite that cannot be asked over this endpoint, before anything is asked."""
    chat = endpoint["flavour"] == "chat"
    if chat != chat_template:
        raise BadInput(
            "The suite asks through a chat template, and an endpoint of the flavour completions applies none. Register the "
            "model with the flavour chat."
            if chat_template
            else "The suite asks without a chat template, and an endpoint of the flavour chat always applies one. Register the "
            "model with the flavour completions."
        )


class MaskedStream:
    """A stream of text that never writes the key."""

    def __init__(self, stream: TextIO, client: Client) -> None:
        self._stream, self._client = stream, client

    def write(self, text: str) -> int:
        self._stream.write(self._client.masked(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    return as_messages(message, lambda arguments: arguments)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
