"""What a release adds to its model: policy layer, deployment configuration, uses."""

from collections.abc import Iterator

from governance.evidence.build import gap, human, in_content, recorded, scalars, unit_of, withheld
from governance.evidence.facts import Fact
from governance.evidence.records import Sealed
from governance.evidence.view import View

POLICY_LAYER = ("constitution", "system_prompt")
LISTED = ("policies", "filters")
"""Fields of a release that name several versions of its policy layer."""
ELSEWHERE = {
    "cot_visibility": "cot_visibility",
    "cot_reason": "cot_visibility.reason",
    "system_types": "integration.system_types",
    "technical_means": "integration.technical_means",
    "hardware": "integration.hardware",
    "software": "integration.software",
}
"""Field of a deployment configuration that fills a field of the card of its own → its key."""
UNITS = {"context_length": "tokens", "decoding_max_new_tokens": "tokens"}


def facts(view: View) -> Iterator[Fact]:
    """Facts of a release; none for other kinds."""
    if view.version.kind != "release" or view.subject.erased:
        return
    for part in POLICY_LAYER:
        yield from _layer(view, part)
    for field in LISTED:
        yield from _listed(view, field)
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


def _listed(view: View, field: str) -> Iterator[Fact]:
    key, pins = f"policy_layer_version.{field}", view.subject.content[field]
    if not pins:
        yield gap(key, human(field), "not_applicable", f"{view.subject.subject} has none.")
    for number, _ in enumerate(pins, 1):
        for name in ("subject", "digest"):
            at = f"/{field}/{number - 1}/{name}"
            yield from in_content(f"{key}_{number}.{name}", name, view.subject, at, assurance="observed")


def _deployment(deployment: Sealed) -> Iterator[Fact]:
    yield from recorded(
        "deployment_config.source", "deployment", deployment.record, "/state/subject", assurance="observed"
    )
    for name, key in ELSEWHERE.items():
        yield from in_content(key, human(name), deployment, f"/{name}")
    if deployment.erased:
        yield withheld("deployment_config.content", "content", deployment)
        return
    served = {name: value for name, value in deployment.content.items() if name not in ELSEWHERE}
    for name, pointer, value in scalars(served):
        unit = UNITS.get(name, unit_of(value))
        yield from in_content(f"deployment_config.{name}", human(name), deployment, pointer, unit=unit)
    for name, value in served.items():
        if value in (None, []):
            yield gap(
                f"deployment_config.{name}",
                human(name),
                "not_applicable",
                f"{deployment.subject} names none.",
            )
