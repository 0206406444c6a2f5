"""The file that says who must approve what is read as a whole, or refused with its field and rule."""

import pytest

from governance.reviews import requirements
from governance.reviews.requirements import BadRequirements, read
from governance.reviews.seats import check

GROUPS = frozenset({"reviewer", "red-teamer"})
SEATS = """
  low: [{groups: [reviewer], people: 1}]
  medium: [{groups: [reviewer], people: 2}]
  high: [{groups: [reviewer], people: 1}, {groups: [reviewer, red-teamer], people: 2}]
"""


@pytest.fixture
def written(tmp_path):
    def write(text: str):
        path = tmp_path / "requirements.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_the_shipped_file_asks_two_people_where_much_hangs_on_it():
    made = read(requirements.DEFAULT, GROUPS)
    reviewer, either = frozenset({"reviewer"}), GROUPS
    assert made.of("dataset", "low") == made.of("policy", "medium") == (reviewer,)
    assert made.of("release", "high") == (reviewer, either)
    assert (made.impact_of("dataset"), made.impact_of("constitution")) == ("low", "medium")


def test_a_kind_may_have_seats_of_its_own(written):
    path = written(
        f"impact: low\nseats: {SEATS}kinds:\n  policy: {{seats: {{low: [{{groups: [red-teamer], people: 2}}]}}}}\n"
    )
    made = read(path, GROUPS)
    assert made.of("policy", "low") == (frozenset({"red-teamer"}),) * 2
    assert made.of("policy", "high") == made.of("model", "high")
    assert len(made.of("model", "high")) == 3
    assert len(made.digest) == 64


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "must hold impact, seats and kinds"),
        ("impact: [", "no YAML"),
        (f"impact: vast\nseats: {SEATS}", "impact: "),
        ("impact: low\nseats: {low: [{groups: [reviewer], people: 1}]}", "seats name no medium"),
        ("impact: low\nseats: {low: [], medium: [], high: []}", "no seat"),
        (f"impact: low\nseats: {SEATS}kinds: {{polcy: {{}}}}", "did you mean policy"),
        (f"impact: low\nseats: {SEATS}kinds: {{release: {{impact: high}}}}", "use_tier"),
        (f"impact: low\nseats: {SEATS}colour: red", "colour: "),
        (
            f"impact: low\nseats: {SEATS}kinds: {{policy: {{seats: {{low: [{{groups: [], people: 1}}]}}}}}}",
            "groups",
        ),
        (
            f"impact: low\nseats: {SEATS}kinds: {{policy: {{seats: {{low: [{{groups: [reviewer], people: 0}}]}}}}}}",
            "people",
        ),
        (
            f"impact: low\nseats: {SEATS}kinds: {{policy: {{seats: {{low: [{{groups: [auditor], people: 1}}]}}}}}}",
            "members of 'auditor' do not review",
        ),
    ],
)
def test_a_mistake_is_named(written, text, told):
    path = written(text)
    with pytest.raises(BadRequirements) as refusal:
        read(path, GROUPS)
    assert told in str(refusal.value)
    assert str(path) in str(refusal.value)


def test_a_file_that_is_not_there_stops_the_start(settings, tmp_path):
    settings.CHARTER_REVIEW_REQUIREMENTS = str(tmp_path / "none.yaml")
    (error,) = check()
    assert "No such file" in error.msg
    settings.CHARTER_REVIEW_REQUIREMENTS = ""
    assert check() == []
