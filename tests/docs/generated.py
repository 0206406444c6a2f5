"""The tables of the manual that are made from the code. `python -m tests.docs.generated` writes them into the pages.

A table stands between `<!-- NAME: begin -->` and `<!-- NAME: end -->`; the tests compare it with what is made here.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import django
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from evals.harness.contamination_params import Params as ContaminationParams
from evals.harness.params import Params as EvaluateParams
from governance.people import permissions as people
from tests.docs.kinds import chapter as kinds_chapter
from training.methods.common import Lora, TrainerParams
from training.methods.dpo import Params as DpoParams
from training.methods.grpo import Params as GrpoParams
from training.methods.kto import Params as KtoParams
from training.methods.merge import Params as MergeParams
from training.methods.reward import Params as RewardParams
from training.methods.scan import Params as ScanParams
from training.methods.sft import Params as SftParams
from training.methods.verifiers import Verifier

ROOT = Path(__file__).resolve().parents[2]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def groups() -> str:
    return table(("group", "its members"), [(f"`{name}`", does) for name, does in people.GROUPS.items()])


def permissions() -> str:
    head = ("action", *people.GROUPS)
    rows = [
        (f"`{action}`", *("yes" if group in allowed else "" for group in people.GROUPS))
        for action, allowed in people.table().items()
    ]
    return table(head, rows)


def addresses() -> str:
    # These read Django's settings when they are imported.
    from drf_spectacular.drainage import GENERATOR_STATS
    from drf_spectacular.generators import SchemaGenerator

    with GENERATOR_STATS.silence():
        schema = SchemaGenerator().get_schema(request=None, public=True)
    rows = [
        (f"{method.upper()} `{path}`", told["description"].split("\n")[0])
        for path, methods in schema["paths"].items()
        for method, told in methods.items()
    ]
    return table(("address", "what it does"), rows)


def formats() -> str:
    # It reaches rows, so Django must be set up first.
    from governance.cards import compose
    from governance.cards.formats import FORMATS

    rows = [
        (
            f"`{name}`",
            one.title,
            ", ".join(kind for kind in compose.KINDS if kind in one.fits),
            f"`{one.media_type.partition(';')[0]}`",
        )
        for name, one in FORMATS.items()
    ]
    return table(("`--format`", "what it is", "cards that have it", "media type"), rows)


def parameters(model: type[BaseModel], beyond: type[BaseModel] = BaseModel) -> str:
    """Name, kind of value, default and docstring of each field that `beyond` does not have just so."""
    rows = [
        (f"`{name}`", kind_of(field.annotation), default_of(field), str(field.description).replace("\n", " "))
        for name, field in model.model_fields.items()
        if repr(field) != repr(beyond.model_fields.get(name))
    ]
    return table(("parameter", "value", "default", "meaning"), rows)


KINDS = {bool: "true or false", int: "whole number", Decimal: "fraction", str: "text"}


def kind_of(annotation: Any) -> str:
    """What may be written for a field, in words."""
    if annotation in KINDS:
        return KINDS[annotation]
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(annotation))
    if get_origin(annotation) is Annotated:
        return kind_of(get_args(annotation)[0])
    if get_origin(annotation) is list:
        return f"list of {kind_of(get_args(annotation)[0])}s"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"`{{{', '.join(annotation.model_fields)}}}`"
    return " or ".join(kind_of(part) for part in get_args(annotation) if part is not type(None))


def default_of(field: Any) -> str:
    if field.default in (None, PydanticUndefined):
        return ""
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


TABLES: dict[str, tuple[str, Callable[[], str]]] = {
    "groups": ("docs/security.md", groups),
    "permissions": ("docs/security.md", permissions),
    "addresses": ("docs/api.md", addresses),
    "trainer": ("docs/training.md", lambda: parameters(TrainerParams)),
    "lora": ("docs/training.md", lambda: parameters(Lora)),
    "sft": ("docs/training.md", lambda: parameters(SftParams, TrainerParams)),
    "reward": ("docs/training.md", lambda: parameters(RewardParams, TrainerParams)),
    "dpo": ("docs/training.md", lambda: parameters(DpoParams, TrainerParams)),
    "kto": ("docs/training.md", lambda: parameters(KtoParams, TrainerParams)),
    "grpo": ("docs/training.md", lambda: parameters(GrpoParams, TrainerParams)),
    "verifier": ("docs/training.md", lambda: parameters(Verifier)),
    "merge": ("docs/training.md", lambda: parameters(MergeParams)),
    "evaluate": ("docs/training.md", lambda: parameters(EvaluateParams)),
    "scan": ("docs/training.md", lambda: parameters(ScanParams)),
    "contamination": ("docs/training.md", lambda: parameters(ContaminationParams)),
    "kinds": ("docs/kinds.md", kinds_chapter),
    "formats": ("docs/cards.md", formats),
}
"""Name of a table → the page that holds it, and what makes it."""


def between(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- {name}: begin -->\n)(.*?)(<!-- {name}: end -->)", re.DOTALL)


def stored(name: str) -> str:
    """The table as it stands in its page."""
    page = (ROOT / TABLES[name][0]).read_text(encoding="utf-8")
    found = between(name).search(page)
    return found[2].strip() if found else ""


def main() -> None:
    for name, (page, make) in TABLES.items():
        path = ROOT / page
        made = make()
        text = between(name).sub(
            lambda found, made=made: f"{found[1]}{made}\n{found[3]}", path.read_text(encoding="utf-8")
        )
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{page}: {name}\n")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    main()
