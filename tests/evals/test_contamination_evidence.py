"""What evidence says of contamination: searches, what a removal left, and scores on clean items."""

from typing import Any

import pytest

from evals.importing.actions import import_evaluation
from governance.evidence.collect import collect
from governance.evidence.facts import Derivation, Document
from governance.evidence.records import Inconsistent
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.registry import lookup
from governance.registry.models import Version
from tests import builders
from tests.builders import ADA
from tests.evals.foreign import table
from tests.evals.recorded import evaluated
from tests.evals.test_contamination import ITEMS, PLANTED, _quick, cast, chats, damage, gardens, searched

__all__ = ["_quick", "cast"]


def values(document: Document, prefix: str) -> dict[str, Any]:
    return {
        fact.key.removeprefix(prefix): fact.value if not fact.is_empty else fact.state
        for fact in document.facts
        if fact.key.startswith(prefix)
    }


def evidence(version: Version) -> Document:
    """The document, once every input of a derived fact stands in it: else no bundle with it could be verified."""
    document = collect(version, settle().size)
    derived = [fact.source for fact in document.facts if isinstance(fact.source, Derivation)]
    assert [key for source in derived for key in source.inputs if document.get(key) is None] == []
    return document


class TestEvidence:
    @pytest.fixture
    def world(self, cast, tmp_path):
        """A model that was trained on the chats and evaluated: all contaminated items right, half of the others."""
        data, suite = chats(tmp_path), gardens(tmp_path)
        model = builders.trained(tmp_path, builders.model(tmp_path), [data])
        scores = [1 if n in (5, 6) else n % 2 for n in range(40)]
        evaluated(model, suite, tmp_path, {"sums": scores})
        return model

    def test_no_search_is_said_plainly(self, world):
        document = evidence(world)
        fact = document.get("contamination.1_1.contaminated")
        assert (fact.state, fact.value) == ("not_recorded", None)
        assert (
            fact.source.reason
            == "No search of dataset:chats@1 for items of eval-suite:gardens@1 is recorded."
        )
        assert not values(document, "decontamination.1")

    def test_a_search_is_told_with_its_run_and_the_score_on_clean_items(self, world):
        run = searched()
        document = evidence(world)
        told = values(document, "contamination.1_1.")
        assert (told["contaminated"], told["items"], told["share"], told["flagged"]) == (2, 40, "0.05", True)
        assert (told["suite"], told["run"]) == ("eval-suite:gardens@1", str(run.pk))
        fact = document.get("contamination.1_1.contaminated")
        assert fact.assurance == "observed"
        last = Entry.objects.filter(object_id=str(run.activity_id)).order_by("-rev")[0]
        assert document.entries_behind(fact) == [last.leaf_index]
        clean = values(document, "contamination.sums.")
        assert (clean["n_clean"], clean["n_contaminated"]) == (38, 2)
        # 19 of the clean items are right (20 odd ones, of which 5 is contaminated), and both others.
        assert (clean["score_clean"], clean["all_minus_clean"], clean["difference"]) == (
            "0.5",
            "0.025",
            "0.5",
        )
        assert clean["ci_low"] < "0" < clean["ci_high"]
        done = values(document, "decontamination.1_1.")
        assert (done["rule_name"], done["rule_n"], done["action"]) == ("tulu3", 8, "mark")
        assert "rows_removed" not in done

    @pytest.mark.parametrize("planted", [PLANTED, {3: ITEMS[5]}], ids=["two", "one"])
    def test_fractional_scores_are_split_too(self, cast, tmp_path, planted):
        """Items 5 and 6 of 40 are contaminated, or 5 alone: too few for an interval of scores that are no 0 or 1."""
        data, suite = chats(tmp_path, planted=planted), gardens(tmp_path)
        model = builders.trained(tmp_path, builders.model(tmp_path), [data])
        rows = [
            {"task": "sums", "item": f"g{n:02}", "score": "0.9" if n in (5, 6) else f"0.{n % 2 + 1}", "prompt": text, "target": str(n)}
            for n, text in enumerate(ITEMS)
        ]  # fmt: skip
        import_evaluation([table(tmp_path / "scores.csv", rows)], model, suite, actor=ADA)
        searched()
        told = values(evidence(model), "contamination.sums.")
        if len(planted) == 1:
            assert (told["n_contaminated"], told["ci_low"], told["ci_high"]) == (1, *["not_applicable"] * 2)
            assert told["difference"] > "0.7"
        else:
            assert (told["n_clean"], told["n_contaminated"], told["score_clean"]) == (38, 2, "0.15")
            assert (told["difference"], told["ci_low"] < "0.75" < told["ci_high"]) == ("0.75", True)

    def test_hits_that_were_altered_are_no_evidence(self, world):
        told = searched().activity.summary
        damage(told["hits_sha256"], b"")
        with pytest.raises(Inconsistent, match="restore them from a backup"):
            evidence(world)

    def test_what_a_removal_left_has_no_contaminated_item(self, world, tmp_path):
        searched(action="remove")
        left, base = lookup.find("dataset:chats@2"), lookup.find("model:base")
        again = builders.trained(tmp_path, base, [left], "cleaned")
        evaluated(again, lookup.find("eval-suite:gardens"), tmp_path / "again", {"sums": [1] * 40})
        document = evidence(again)
        assert values(document, "contamination.1_1.")["contaminated"] == 0
        assert not values(document, "contamination.sums.")
        done = values(document, "decontamination.1_1.")
        assert (done["dataset"], done["rows_removed"], done["rows_left"]) == ("dataset:chats@1", 3, 9)
        assert values(evidence(left), "decontamination.1_1.")["rows_removed"] == 3

    def test_evidence_of_an_earlier_size_does_not_know_a_later_search(self, world):
        before = settle().size
        first = collect(world, before).canonical()
        searched()
        settle()
        assert collect(world, before).canonical() == first
        assert values(collect(world), "contamination.1_1.")["contaminated"] == 2

    def test_a_restricted_dataset_is_withheld(self, cast, tmp_path):
        data, suite = chats(tmp_path, restricted=True), gardens(tmp_path)
        model = builders.trained(tmp_path, builders.model(tmp_path), [data])
        evaluated(model, suite, tmp_path, {"sums": [1] * 40})
        searched()
        document = evidence(model)
        assert document.get("contamination.1_1.contaminated").state == "withheld"
        assert not values(document, "contamination.sums.")

    @pytest.mark.parametrize(("source", "same"), [("Written  for TESTS", True), ("somebody else", None)])
    def test_the_same_declared_source_is_a_flag(self, cast, tmp_path, source, same):
        data, suite = chats(tmp_path), gardens(tmp_path, more=f"source: {source}\n")
        model = builders.trained(tmp_path, builders.model(tmp_path), [data])
        evaluated(model, suite, tmp_path, {"sums": [1] * 40})
        fact = evidence(model).get("contamination.1_1.same_source")
        assert (fact and fact.value) == same
