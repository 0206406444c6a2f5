"""The released Tulu 3 mixture, entered over the API as lineage without training: 19 components that add up."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from governance.cards.compose import card_of
from governance.cards.markdown import render
from governance.evidence.collect import collect
from governance.ledger import keys
from governance.ledger.settle import settle
from governance.people.actions import create_token
from governance.registry import lookup
from tests.api.conftest import V1
from tests.cast import gather
from tests.realdata import REAL, requires

STATED = 939_344
"""Rows of allenai/tulu-3-sft-mixture (Lambert et al. 2024, arXiv:2411.15124, table 7)."""
COUNTED = {
    "tulu_v3.9_wildchat_100k": 100_000,
    "tulu_v3.9_open_math_2_gsm8k_50k": 50_000,
    "numinamath_tir_math_decontaminated": 64_312,
    "tulu_v3.9_personahub_math_interm_algebra_20k": 20_000,
    "tulu_v3.9_wildjailbreak_decontaminated_50k": 50_000,
    "tulu_v3.9_synthetic_finalresp_wildguardmixtrain_decontaminated_50k": 50_000,
    "tulu_v3.9_sciriff_10k": 10_000,
    "tulu_v3.9_table_gpt_5k": 5_000,
    "tulu_v3.9_aya_100k": 100_000,
}
"""Components whose rows the configuration does not state, with the paper's counts (same table)."""
NON_COMMERCIAL = {"no_robots_converted": "CC-BY-NC-4.0", "numinamath_tir_math_decontaminated": "CC-BY-NC-4.0"}
"""Marked NC in the configuration of the mixture that leaves them out."""


def components() -> list[dict[str, object]]:
    """The 19 sets that the published configuration lists, with the counts beside them."""
    text = (
        REAL
        / "open_instruct_tulu3"
        / "configs_train_configs_sft_tulu3_8b_preview_mix_v3.9-noncommercial.yaml"
    ).read_text()
    found = re.findall(r"^\s*# (?:ai2-adapt-dev|allenai)/(\S+): 1\.0(?: # (\d+))?", text, re.MULTILINE)
    return [
        {
            "name": name,
            "rows": int(count) if count else COUNTED[name],
            "licence": NON_COMMERCIAL.get(name, ""),
            "source_type": "public",
        }
        for name, count in found
    ]


def post(client, path, body):
    answer = client.post(f"{V1}/{path}", body, format="json")
    assert answer.status_code in (200, 201), answer.content
    return answer.json()


def elsewhere(client, slug, name, **more):
    return post(
        client,
        "versions/",
        {
            "kind": "model",
            "slug": slug,
            "state": "sealed",
            "content": {
                "description": f"{name}, known by name.",
                "origin": "imported",
                "held": "elsewhere",
                "source": name,
                "gaps": [{"field": "weights_digest", "state": "not_applicable", "reason": "Not held here."}],
                **more,
            },
        },
    )


@pytest.fixture
def entered(committed_db):
    """Base, mixture, stage and result, as a pipeline would enter them."""
    cast = gather()
    keys.generate()
    scopes = [
        "registry:version:register",
        "registry:model:write",
        "registry:dataset:write",
        "registry:activity:record",
    ]
    given = {"label": "ci", "scopes": scopes, "expires_at": timezone.now() + timedelta(days=1)}
    _, secret = create_token(cast.users["ada"].account, **given, actor=cast.actor("ada"))
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
    elsewhere(client, "llama-3.1-8b", "meta-llama/Llama-3.1-8B", licence="Llama 3.1 Community")
    mixture = {
        "description": "The mixture of Tulu 3's supervised stage.",
        "held": "elsewhere",
        "rows": STATED,
        "stated_rows": STATED,
        "source_type": "public",
        "source": "allenai/tulu-3-sft-mixture",
        "licence": "ODC-BY-1.0",
        "mixture": components(),
    }
    post(
        client, "versions/", {"kind": "dataset", "slug": "tulu-3-sft", "state": "sealed", "content": mixture}
    )
    elsewhere(client, "tulu-3-8b-sft", "allenai/Llama-3.1-Tulu-3-8B-SFT")
    started = post(
        client,
        "activities/",
        {
            "kind": "training",
            "label": "Tulu 3 SFT",
            "used": [
                {"role": "init_from", "subject": "model:llama-3.1-8b@1"},
                {"role": "trained_on", "subject": "dataset:tulu-3-sft@1"},
            ],
            "summary": {"stage": "sft", "params": {"learning_rate": "0.000005", "epochs": 2}},
        },
    )
    post(
        client,
        f"activities/{started['id']}/end/",
        {"state": "ended", "produced": [{"subject": "model:tulu-3-8b-sft@1"}]},
    )
    return client, mixture


@requires("open_instruct_tulu3")
def test_nineteen_components_add_up_and_the_non_commercial_ones_are_flagged(entered):
    size = settle().size
    document = collect(lookup.find("model:tulu-3-8b-sft"), size)
    value = {fact.key: fact.value for fact in document.facts}
    assert value["mixture.1.components"] == 19
    assert value["mixture.1.components_rows"] == value["mixture.1.stated_rows"] == STATED
    assert value["mixture.1.non_commercial"] == 2
    flagged = {value[f"licence.mixture_1_non_commercial_{number}"] for number in (1, 2)}
    assert flagged == set(NON_COMMERCIAL)
    assert document.get("stages.1.method").assurance == "asserted"
    assert document.get("mixture.pretraining").state == "undisclosed"
    card = render(card_of(lookup.find("model:tulu-3-8b-sft"), size))
    assert "no_robots_converted" in card.replace("\\", "")
    assert "undisclosed" in card


@requires("open_instruct_tulu3")
def test_a_mixture_that_lacks_a_component_is_refused(entered):
    client, mixture = entered
    short = {**mixture, "mixture": mixture["mixture"][:-1]}
    answer = client.post(
        f"{V1}/versions/",
        {"kind": "dataset", "slug": "short", "state": "sealed", "content": short},
        format="json",
    )
    assert answer.status_code in (400, 422)
    assert b"add up to 839,344 rows and stated_rows is 939,344" in answer.content
