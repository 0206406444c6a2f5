"""What a release adds to its model: policy layer, deployment configuration, uses."""

from collections.abc import Iterator

from governance.evidence.build import gap, human, in_content, recorded, scalars, unit_of
from governance.evidence.facts import Fact
from governance.evidence.records import Sealed
from governance.evidence.view import View

POLICY_LAYER = ("constitution", "system_prompt")
UNITS = {"context_length": "tokens", "decoding_max_new_tokens": "tokens"}


def facts(view: View) -> Iterator[Fact]:
    """Facts of a release; none for other kinds."""
    if view.version.kind != "release":
        return
    for part in POLICY_LAYER:
        yield from _layer(view, part)
    for name in ("intended_uses", "out_of_scope"):
        yield from in_content(name, human(name), view.subject, f"/{name}")
    yield from in_content("intended_uses.use_tier", "use tier", view.subject, "/use_tier")
    if deployment := view.parts.get("deployment"):
        yield from _deployment(deployment)


def _layer(view: View, part: str) -> Iterator[Fact]:
    key = f"policy_layer_version.{part}"
    if view.subject.content[part] is None:
        yield gap(key, human(part), "not_applicable", f"{view.subject.subject} has none.")
    for name in ("subject", "digest"):
        yield from in_content(f"{key}.{name}", name, view.subject, f"/{part}/{name}", assurance="observed")


def _deployment(deployment: Sealed) -> Iterator[Fact]:
    yield from recorded(
        "deployment_config.source", "deployment", deployment.record, "/state/subject", assurance="observed"
    )
    for name, pointer, value in scalars(deployment.content):
        unit = UNITS.get(name, unit_of(value))
        yield from in_content(f"deployment_config.{name}", human(name), deployment, pointer, unit=unit)
    for name, value in deployment.content.items():
        if value in (None, []):
            yield gap(
                f"deployment_config.{name}",
                human(name),
                "not_applicable",
                f"{deployment.subject} names none.",
            )
