"""The record of a dataset: what it may say, what it must, and what it must not."""

import pytest
from pydantic import BaseModel

from governance.registry import kinds
from governance.registry.datasets import FORMATS
from governance.registry.kinds import dataset, dataset_parts
from governance.registry.kinds.base import ContentError, digest_of, plain
from governance.registry.licences import is_non_commercial

KIND = kinds.get("dataset")
HELD = {
    "description": "Rows.", "source_type": "human", "rows": 3, "format": "text", "rows_digest": "a" * 64,
    "files": [{"path": "rows.jsonl", "size": 3, "sha256": "b" * 64}],
}  # fmt: skip
FAR = {"description": "Rows.", "source_type": "other", "rows": 3, "held": "elsewhere", "source": "far away"}
PART = {"name": "a", "rows": 10, "source_type": "public"}
POOL = {"subject": "annotator-pool:raters@1", "digest": "c" * 64}
GUIDE = {"subject": "guideline:raters@2", "digest": "d" * 64}
ROWS = {"subject": "dataset:rankings@1", "digest": "e" * 64}


def parsed(**content) -> dataset.Content:
    return KIND.parse({**HELD, **content})


def refused(base: dict, **content) -> str:
    with pytest.raises(ContentError) as found:
        KIND.parse({**base, **content})
    return str(found.value)


def shown(content: dataset.Content) -> dict[str, str]:
    return dict(KIND.summary(content))


MODELS = [
    model
    for module in (dataset, dataset_parts)
    for model in vars(module).values()
    if isinstance(model, type) and issubclass(model, BaseModel) and model.__module__ == module.__name__
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_says_what_it_means(model):
    assert [name for name, field in model.model_fields.items() if not field.description] == []


def test_every_format_that_is_read_can_be_recorded():
    assert set(FORMATS) == set(dataset.Format.__args__)


def test_what_is_recorded_is_all_of_it_with_its_defaults():
    content = plain(parsed())
    assert plain(KIND.parse(content)) == content
    assert digest_of("dataset", "dataset/1", content) == digest_of(
        "dataset", "dataset/1", plain(KIND.parse(content))
    )
    assert (content["held"], content["mixture"], content["synthetic"]) == ("copied", [], [])


class TestHeld:
    @pytest.mark.parametrize("missing", ["format", "rows_digest", "files"])
    def test_copied_rows_have_a_format_a_digest_and_a_file(self, missing):
        assert f"{missing} is needed for a dataset that is held as 'copied'" in refused(
            {name: value for name, value in HELD.items() if name != missing}
        )

    @pytest.mark.parametrize("surplus", ["rows_digest", "files"])
    def test_rows_held_elsewhere_have_neither(self, surplus):
        assert f"{surplus} must be empty" in refused(FAR, **{surplus: HELD[surplus]})

    def test_rows_held_elsewhere_need_a_source_and_a_number(self):
        assert "source is needed" in refused(FAR, source="")
        assert "rows" in refused({name: value for name, value in FAR.items() if name != "rows"})
        assert "the rows are not here" in shown(KIND.parse(FAR))["Held"]


class TestMixture:
    def test_components_that_add_up_to_what_is_stated(self):
        content = parsed(mixture=[{**PART, "used": 4}, {**PART, "name": "b", "rows": 5}], stated_rows=9)
        assert dataset.mixture_rows(content.mixture) == 9
        assert shown(content)["Stated rows"] == "9, as the components add up"

    def test_a_sum_that_differs_is_refused_without_a_reason_and_shown_with_one(self):
        parts = [{**PART, "used": 4}]
        assert "add up to 4 rows and stated_rows is 1,000" in refused(HELD, mixture=parts, stated_rows=1000)
        assert "sum_difference_reason" in refused(
            HELD, mixture=parts, stated_rows=1000, sum_difference_reason=" "
        )
        content = parsed(mixture=parts, stated_rows=1000, sum_difference_reason="The card rounds.")
        assert shown(content)["Stated rows"] == "1,000; the components add up to 4"

    def test_a_reason_or_a_total_without_what_they_speak_of_are_refused(self):
        assert "there is none" in refused(HELD, mixture=[PART], stated_rows=10, sum_difference_reason="So.")
        assert "there is none" in refused(HELD, mixture=[PART], sum_difference_reason="So.")
        assert "speaks of a mixture" in refused(HELD, stated_rows=10)

    def test_a_component_stands_there_once(self):
        assert "component used twice: a" in refused(HELD, mixture=[PART, PART])

    def test_a_component_that_is_registered_here_is_a_reference(self):
        content = parsed(
            mixture=[{**PART, "ref": ROWS}], derived_from=[ROWS], annotators=[POOL], guidelines=[GUIDE]
        )
        assert [(one.role, one.subject) for one in KIND.references(content)] == [
            ("derived_from", ROWS["subject"]),
            ("component_of", ROWS["subject"]),
            ("annotators", POOL["subject"]),
            ("guideline", GUIDE["subject"]),
        ]


class TestPeople:
    def test_annotators_are_a_pool_and_guidelines_are_instructions(self):
        assert "guideline:raters@2 is no annotator-pool" in refused(HELD, annotators=[GUIDE])
        assert "annotator-pool:raters@1 is no guideline or constitution or policy" in refused(
            HELD, guidelines=[POOL]
        )

    def test_the_shares_of_labels_are_exact_and_add_up(self):
        assert (
            plain(parsed(label_source={"human": "0.1", "ai": "0.2", "rule": "0.7"}))["label_source"]["ai"]
            == "0.2"
        )
        assert "must add up to 1" in refused(HELD, label_source={"human": "0.1", "ai": "0.2", "rule": "0.6"})
        assert "a float has no exact value" in refused(
            HELD, label_source={"human": 0.5, "ai": "0.5", "rule": "0"}
        )


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"languages": ["english!"]}, "languages.0"),
        ({"crawlers": [{"name": "bot", "period_from": "2024-13-01"}]}, "crawlers.0.period_from"),
        ({"processing": [{"method": "x", "purpose": "y", "rows_removed": -1}]}, "processing.0.rows_removed"),
        ({"user_data": {"products": []}}, "user_data.products"),
        ({"synthetic": {"generator": "x"}}, "synthetic"),
        ({"synthetic": [{"generator": "x", "purpose": "y"}]}, "synthetic.0.generator_version"),
        ({"datasheet": {"motive": "x"}}, "datasheet.motive"),
        ({"licnce": "MIT"}, "licnce"),
        ({"format": "parquet"}, "format"),
        ({"rows": 0}, "rows"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(content, field):
    assert f" {field}: " in refused(HELD, **content)


@pytest.mark.parametrize(
    "licence",
    [
        "CC-BY-NC-4.0", "cc-by-nc-sa-3.0", "CC BY-NC 4.0", "CC-BY-NC-ND-2.0 OR MIT", "PolyForm-Noncommercial-1.0.0", "NCGL-UK-2.0",
        "Prosperity-3.0.0", "non-commercial research licence", "LicenseRef-Acme_NC",
    ],
)  # fmt: skip
def test_a_licence_that_forbids_commercial_use_by_its_name(licence):
    assert is_non_commercial(licence)


@pytest.mark.parametrize(
    "licence",
    [
        "",
        "MIT",
        "Apache-2.0",
        "CC-BY-4.0",
        "CC0-1.0",
        "ODC-BY-1.0",
        "NCSA",
        "llama3.1",
        "CC-BY-SA-4.0",
        "Encore",
    ],
)
def test_a_name_that_does_not_forbid_it(licence):
    assert not is_non_commercial(licence)


def test_one_component_that_forbids_it_is_enough():
    part = {**PART, "licence": "CC-BY-NC-4.0"}
    assert dataset.forbids_commercial_use(parsed(mixture=[part]))
    assert not dataset.forbids_commercial_use(parsed(mixture=[{**part, "non_commercial": False}]))
    assert dataset.forbids_commercial_use(parsed(mixture=[{**PART, "non_commercial": True}]))
    assert dataset.forbids_commercial_use(parsed(licence="CC-BY-NC-4.0"))
    assert not dataset.forbids_commercial_use(parsed(licence="CC-BY-4.0", mixture=[PART]))
    assert shown(parsed(mixture=[part]))["Commercial use"] == "not allowed by a licence below"
