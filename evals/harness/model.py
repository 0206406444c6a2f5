"""The evaluated model inside lm-eval: from a local folder, telling how far it is, stopping when asked."""

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import torch
from jinja2 import TemplateError
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from evals.harness.params import Params
from evals.harness.tools import Messages, Reply, Tool, as_messages, offered, read_reply
from governance.ledger.canonical import sha256_hex
from training.runner.failures import BadInput
from training.runner.job import JobInput

Report = Callable[[int], None]
LIBRARIES = ("torch", "transformers", "tokenizers")


class EvaluatedModel(HFLM):  # type: ignore[misc]
    """lm-eval's Hugging Face model that calls `report(answered)` after each batch; `report` may raise to stop."""

    def __init__(self, *args: Any, report: Report, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._report, self._answered, self._settled = report, 0, 0

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = True) -> list[str]:
        responses: list[str] = super().generate_until(requests, disable_tqdm=disable_tqdm)
        self._settle(len(requests))
        return responses

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = True) -> list[tuple[float, bool]]:
        likelihoods: list[tuple[float, bool]] = super().loglikelihood(requests, disable_tqdm=disable_tqdm)
        self._settle(len(requests))
        return likelihoods

    def is_too_long(self, text: str, new_tokens: int) -> bool:
        """Whether lm-eval silently cuts off the beginning of this text to make room for the response."""
        return bool(len(self.tok_encode(text)) + new_tokens > self.max_length)

    def prompt_of(self, messages: Messages, tools: Sequence[Tool]) -> str:
        """A conversation and its tools as the chat template writes them. Raises BadInput where it cannot."""
        try:
            written: str = self.tokenizer.apply_chat_template(
                [as_messages(message, json.loads) for message in messages],
                tools=[offered(tool) for tool in tools] or None,
                tokenize=False,
                add_generation_prompt=True,
            )
        except (TemplateError, TypeError) as error:
            raise BadInput(
                f"The model's chat template cannot write a conversation with tools: {error}."
            ) from error
        return written

    def replies(self, prompts: Sequence[str], settings: Mapping[str, Any]) -> list[Reply]:
        """The next turn of each conversation."""
        asked = [
            Instance("generate_until", {}, (prompt, dict(settings)), place)
            for place, prompt in enumerate(prompts)
        ]
        return [read_reply(text.replace("\0", "\ufffd")) for text in self.generate_until(asked)]

    def settings(self, *, chat_template: bool) -> dict[str, Any]:
        """What the record says of the machinery."""
        template = self.tokenizer.chat_template if chat_template else None
        on_gpu = self.device.type == "cuda"
        return {
            "libraries": {name: version(name) for name in LIBRARIES},
            "chat_template_sha256": None if template is None else sha256_hex(template.encode()),
            "dtype": str(self.model.dtype).removeprefix("torch."),
            "device": torch.cuda.get_device_name(self.device) if on_gpu else str(self.device.type),
        }

    def get_model_info(self) -> dict[str, Any]:
        """Nothing: lm-eval would ask the hub, and the record names the version instead."""
        return {}

    def _model_generate(self, context: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        generated: torch.Tensor = super()._model_generate(context, *args, **kwargs)
        self._count(context.shape[0])
        return generated

    def _model_call(self, inps: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        logits: torch.Tensor = super()._model_call(inps, *args, **kwargs)
        self._count(inps.shape[0])
        return logits

    def _count(self, rows: int) -> None:
        self._answered += rows
        self._report(self._answered)

    def _settle(self, requests: int) -> None:
        """Choices that share a forward pass were not counted one by one; now all are answered."""
        self._settled += requests
        self._answered = self._settled
        self._report(self._answered)


def load(model: JobInput, params: Params, report: Report, *, chat_template: bool) -> EvaluatedModel:
    """The model on the GPU if there is one; raises BadInput where the suite needs a template it lacks."""
    loaded = EvaluatedModel(
        pretrained=str(model.files_at()),
        dtype=params.dtype,
        device="cuda" if torch.cuda.is_available() else "cpu",
        batch_size=params.batch_size,
        trust_remote_code=False,
        use_safetensors=True,
        report=report,
    )
    if chat_template and not loaded.tokenizer.chat_template:
        raise BadInput(
            f"The suite asks through a chat template and {model.subject} has none. Register one with it."
        )
    return loaded
