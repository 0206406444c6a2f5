from collections.abc import Iterator
from typing import Any

from governance.releases import identity as identity_module
from governance.releases.identity import NOT_APPLICABLE, behavioural_identity, identity_parts

MODEL = {
    "weights_digest": "1" * 64,
    "tokenizer_digest": "2" * 64,
    "chat_template_digest": None,
    "files": [{"path": "model.safetensors", "size": 10, "sha256": "3" * 64}],
}
DEPLOYMENT = {
    "engine": "transformers",
    "engine_version": "5.1",
    "decoding": {"do_sample": False, "temperature": None, "max_new_tokens": 32},
    "context_length": 256,
    "tools": [],
    "filters": [],
    "region": "EU",
    "audience": "testers",
}


def identity(model=MODEL, deployment=DEPLOYMENT, constitution="c" * 64, system_prompt="d" * 64) -> str:
    return behavioural_identity(
        identity_parts(model, deployment, constitution=constitution, system_prompt=system_prompt)
    )


def test_the_same_weights_with_another_system_prompt_are_another_artefact():
    assert identity() != identity(system_prompt="e" * 64)
    assert identity() != identity(system_prompt=None)


def test_re_sharding_the_weights_changes_nothing():
    shards = [{"path": f"model-{n}.safetensors", "size": 5, "sha256": str(n) * 64} for n in (4, 5)]
    assert identity() == identity(model={**MODEL, "files": shards})


def test_every_part_of_the_deployment_that_changes_an_answer_counts():
    changes = {
        "engine_version": "5.2",
        "decoding": {"do_sample": True, "temperature": "0.7", "max_new_tokens": 32},
        "context_length": 128,
        "quantisation": "int8",
        "tools": ["search"],
        "filters": ["profanity"],
        "router": "by-language",
        "retrieval_digest": "f" * 64,
        "memory": "session",
    }
    found = {identity(deployment={**DEPLOYMENT, name: value}) for name, value in changes.items()}
    assert len(found | {identity()}) == len(changes) + 1


def test_where_it_is_served_and_to_whom_does_not_count():
    assert identity() == identity(deployment={**DEPLOYMENT, "region": "US", "audience": "everyone"})


def test_what_does_not_apply_is_said_and_not_left_out():
    parts = identity_parts(MODEL, DEPLOYMENT, constitution=None, system_prompt=None)
    assert parts["constitution"] == parts["quantisation"] == parts["chat_template_digest"] == NOT_APPLICABLE
    assert parts["decoding"]["temperature"] == NOT_APPLICABLE
    assert parts["tools"] == NOT_APPLICABLE


ITEM = {"name": "search", "sha256": "6" * 64}
REF = {"subject": "safety-filter:words@1", "digest": "7" * 64}
WHOLE = {
    **DEPLOYMENT,
    "quantisation": "int8",
    "tools": ["search", "sum"],
    "tool_definitions": [ITEM, {"name": "sum", "sha256": "8" * 64}],
    "prompt_templates": [
        {**ITEM, "rule": ""},
        {"name": "greeting", "sha256": "9" * 64, "rule": "first turn"},
    ],
    "filters": [REF, {**REF, "digest": "a" * 64}],
    "decoding": {"do_sample": True, "temperature": "0.7", "stop": ["A", "B"], "max_new_tokens": 32},
    "router": "by-language",
    "routes": [
        {"model": {**REF, "digest": "b" * 64}, "share": "0.5", "rule": ""},
        {"model": REF, "share": "0.5", "rule": ""},
    ],
    "channels": [{"name": "app", "tools": ["sum", "search"]}, {"name": "voice", "context_length": 64}],
    "retrieval_digest": "c" * 64,
    "memory": "session",
}
LAYER = {
    "constitution": "c" * 64,
    "system_prompt": "d" * 64,
    "policies": ["1" * 64, "2" * 64],
    "filters": ["3" * 64, "4" * 64],
}


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """Path of each value that is no object or list."""
    if isinstance(value, dict | list):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, step))
    else:
        yield path


def changed(value: Any, path: tuple) -> Any:
    """A copy of `value` in which what stands at `path` is another."""
    if not path:
        return not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else f"{value}x"
    step, *rest = path
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[step] = changed(value[step], tuple(rest))
    return copied


def whole(model: dict = MODEL, deployment: dict = WHOLE, **layer: Any) -> str:
    return behavioural_identity(identity_parts(model, deployment, **{**LAYER, **layer}))


def test_every_single_value_counts():
    served = {name: value for name, value in WHOLE.items() if name in identity_module.DEPLOYMENT}
    weights = {name: value for name, value in MODEL.items() if name in identity_module.MODEL}
    found = [whole(deployment=changed(WHOLE, path)) for path in places(served) if path[-1] != "subject"]
    found += [whole(model=changed(MODEL, path)) for path in places(weights)]
    found += [whole(**changed(LAYER, path)) for path in places(LAYER)]
    assert len(found) > 40
    assert len({*found, whole()}) == len(found) + 1


def test_the_order_of_what_has_none_does_not_count():
    def reversed_lists(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {inner: reversed_lists(item, inner) for inner, item in reversed(value.items())}
        if not isinstance(value, list) or name in identity_module.ORDERED:
            return value
        return [reversed_lists(item) for item in reversed(value)]

    assert reversed_lists(WHOLE) != WHOLE
    assert whole(deployment=reversed_lists(WHOLE), **reversed_lists(LAYER)) == whole()
    assert whole(deployment={**WHOLE, "routes": WHOLE["routes"][::-1]}) != whole()


def test_what_the_identity_must_cover_is_among_its_parts():
    parts = identity_parts(MODEL, {}, constitution=None, system_prompt=None)
    assert tuple(parts) == tuple(sorted(parts, key=identity_module.PARTS.index)) == identity_module.PARTS
    absent = {name for name, value in parts.items() if value == NOT_APPLICABLE}
    assert absent == set(identity_module.PARTS) - {"schema", "weights_digest", "tokenizer_digest"}
