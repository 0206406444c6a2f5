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
