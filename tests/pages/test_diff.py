"""Comparisons: by part and by line, any two versions, counted rightly, and bounded whatever is compared."""

import re
import time

import pytest

from governance.registry import actions, importers
from governance.views import diff, diff_page, diff_parts
from governance.views.diff import Marker
from tests import builders
from tests.builders import POLLY
from tests.realdata import REAL, requires

PARTS = [("a", "Never lie."), ("b", "Be kind to all people."), ("c", "Stay on topic."), ("d", "Be brief.")]


def items(pairs) -> list[dict[str, str]]:
    return [{"id": name, "text": text, "kind": "other"} for name, text in pairs]


def compared(old, new, *, whole=False) -> dict[str, tuple[str, bool]]:
    found = diff_parts.parts(items(old), items(new), Marker(), whole=whole)
    return {part.name: (part.op, part.moved) for part in found}


def text_of(pieces) -> str:
    return "".join(f"[{text}]" if changed else text for changed, text in pieces)


class TestParts:
    def test_what_was_added_removed_changed_and_moved(self):
        new = [PARTS[3], PARTS[0], ("b", "Be kind to animals."), ("e", "New.")]
        assert compared(PARTS, new) == {
            "d": ("moved", True),
            "b": ("changed", False),
            "c": ("removed", False),
            "e": ("added", False),
        }

    def test_one_that_moved_does_not_move_the_others(self):
        assert compared(PARTS, [*PARTS[1:], PARTS[0]]) == {"a": ("moved", True)}

    def test_one_that_was_put_between_moves_nobody(self):
        assert compared(PARTS, [PARTS[0], ("new", "x"), *PARTS[1:]]) == {"new": ("added", False)}

    def test_one_may_change_and_move(self):
        assert compared(PARTS, [("d", "Be very brief."), *PARTS[:3]]) == {"d": ("changed", True)}

    def test_the_same_are_shown_when_all_is(self):
        assert compared(PARTS, PARTS) == {}
        assert set(compared(PARTS, PARTS, whole=True).values()) == {("same", False)}

    def test_a_removed_part_stands_where_it_stood(self):
        found = diff_parts.parts(items(PARTS), items([PARTS[0], ("x", "X."), PARTS[3]]), Marker(), whole=True)
        assert [part.name for part in found] == ["a", "b", "c", "x", "d"]
        assert [(part.was, part.place) for part in found] == [(1, 1), (2, None), (3, None), (None, 2), (4, 3)]

    def test_words_are_marked_within_a_changed_part(self):
        (part,) = diff_parts.parts(
            items([PARTS[1]]), items([("b", "Be kind to all animals.")]), Marker(), whole=False
        )
        (row,) = [row for row in part.rows if row["op"] == "changed"]
        assert text_of(row["old"]) == "Be kind to all [people.]"
        assert text_of(row["new"]) == "Be kind to all [animals.]"
        assert part.fields == []

    def test_only_lists_whose_items_are_all_named_once_are_parts(self):
        old = {"principles": items(PARTS), "twice": [{"id": "a"}, {"id": "a"}], "plain": ["x"], "none": [{}]}
        assert diff_parts.lists_of_parts(old, {**old, "files": [{"path": "a", "size": 1}]}) == [
            "principles",
            "files",
        ]

    def test_items_named_by_name_and_path_are_parts_too(self):
        old = {"tasks": [{"name": "sums", "margin": "0.05"}], "files": [{"path": "a.jsonl", "size": 9}]}
        new = {"tasks": [{"name": "sums", "margin": "0.1"}], "files": [{"path": "a.jsonl", "size": 12}]}
        (task,) = diff_parts.parts(old["tasks"], new["tasks"], Marker(), whole=False)
        (file,) = diff_parts.parts(old["files"], new["files"], Marker(), whole=False)
        assert [(one.name, one.difference) for one in task.fields] == [("margin", "+0.05 (+100.0%)")]
        assert [(one.name, one.difference) for one in file.fields] == [("size", "+3 (+33.3%)")]

    def test_the_path_of_a_part_that_has_an_id_is_no_name(self):
        (part,) = diff_parts.parts(
            [{"id": "a", "path": "x"}], [{"id": "a", "path": "y"}], Marker(), whole=False
        )
        assert [field.name for field in part.fields] == ["path"]


class TestFields:
    def test_statistics_are_told_with_their_difference(self):
        old = {"rows": 1000, "licence": "CC0-1.0", "about": {"mean": "2.5", "kept": True}, "gone": "x"}
        new = {"rows": 1250, "licence": "CC0-1.0", "about": {"mean": "2", "kept": False}}
        found = {field.name: field for field in diff_parts.fields(old, new, Marker(), whole=False)}
        assert {name: field.difference for name, field in found.items()} == {
            "rows": "+250 (+25.0%)",
            "about.mean": "-0.5 (-20.0%)",
            "about.kept": "",
            "gone": "",
        }
        assert found["gone"].new is None
        assert text_of(found["about.kept"].old) == "[yes]"

    @pytest.mark.parametrize(
        "pair", [("NaN", "1"), ("1", "Infinity"), ("0", "5"), ("1e400", "2"), ("x", "y")]
    )
    def test_numbers_that_are_none_or_zero_are_no_fault(self, pair):
        (field,) = diff_parts.fields({"n": pair[0]}, {"n": pair[1]}, Marker(), whole=False)
        assert "%" not in field.difference or pair[0] == "1e400"

    def test_long_text_is_compared_by_line_and_nothing_twice(self):
        old = {"rows": 1, "essay": "one\ntwo\nthree", "principles": items(PARTS)}
        new = {"rows": 1, "essay": "one\n2\nthree", "principles": items(PARTS)}
        assert diff_parts.fields(old, new, Marker(), whole=False) == []
        assert diff.counts(diff_parts.rest(old, new, Marker(), whole=False)) == {
            "added": 0,
            "removed": 0,
            "changed": 1,
        }


class TestLines:
    def test_equal_stretches_are_left_out_unless_all_is_shown(self):
        old = {"text": "\n".join(f"line {n}" for n in range(100))}
        new = {"text": old["text"].replace("line 50", "line fifty")}
        ops = [row["op"] for row in diff.rows(old, new)]
        assert ops == ["skipped", "place", "same", "same", "changed", "same", "same", "skipped"]
        assert [row["op"] for row in diff.rows(old, new, whole=True)].count("same") == 99

    def test_equal_contents_have_no_rows_unless_all_is_shown(self):
        assert diff.rows({"a": "x"}, {"a": "x"}) == []
        assert [row["op"] for row in diff.rows({"a": "x"}, {"a": "x"}, whole=True)] == ["place", "same"]

    def test_lines_of_another_place_are_not_held_against_each_other(self):
        rows = [row for row in diff.rows({"a": "x", "b": "y"}, {"b": "z", "c": "x"}) if row["op"] != "place"]
        assert [(row["op"], row["place"]) for row in rows] == [
            ("removed", "a"),
            ("changed", "b"),
            ("added", "c"),
        ]

    def test_a_line_that_changed_is_found_behind_new_ones(self):
        old = {"text": "Begin.\nNever lie to people you meet.\nEnd."}
        new = {"text": "Begin.\nA heading\nAnother line\nNever lie to people.\nEnd."}
        rows = [row for row in diff.rows(old, new) if row["op"] not in {"place", "same"}]
        assert [row["op"] for row in rows] == ["added", "added", "changed"]
        assert text_of(rows[-1]["old"]) == "Never lie to [people you meet.]"

    def test_a_single_value_changed_however_different_it_is(self):
        assert diff.counts(diff.rows({"margin": "0.05"}, {"margin": "one tenth"})) == {
            "added": 0,
            "removed": 0,
            "changed": 1,
        }

    def test_line_numbers_are_those_of_each_side(self):
        rows = diff.rows({"t": "a\nb\nc"}, {"t": "b\nc\nd"}, whole=True)
        numbers = [(row["old_number"], row["new_number"]) for row in rows if row["op"] != "place"]
        assert numbers == [(1, None), (2, 1), (3, 2), (None, 3)]

    def test_very_many_lines_are_cut_and_said(self):
        rows = diff.rows({"t": "x\n" * 5000}, {"t": "y\n" + "x\n" * 5000})
        assert rows[-1]["text"].startswith("Only the first 4,000 lines are compared")

    @pytest.mark.parametrize("words", ["same " * 6000, "a b " * 2000, " ".join(map(str, range(900)))])
    def test_very_many_changed_words_end(self, words):
        old = {"t": "\n".join(f"{n} {words}" for n in range(200))}
        new = {"t": "\n".join(f"{words} {n}" for n in range(200))}
        begun = time.process_time()
        rows = diff.rows(old, new)
        # No benchmark: without limits this takes minutes.
        assert time.process_time() - begun < 20
        assert diff.counts(rows)["changed"] == 200
        for row in rows:
            if row["op"] == "changed":
                assert "".join(text for _, text in row["new"]) in new["t"]


@pytest.fixture
def versions(db):
    """Four versions of a constitution; the fourth is restricted."""

    def version(pairs, **kwargs):
        principles = [
            {"id": name, "text": text, "kind": "other", "authority": "platform"} for name, text in pairs
        ]
        content = {"title": "Rules", "principles": principles}
        return actions.register("constitution", "rules", content, actor=POLLY, **kwargs)

    return [
        version(PARTS[:2]),
        version([PARTS[1], PARTS[0]]),
        version([("a", "Never ever lie."), PARTS[2]]),
        version(PARTS, restricted=True),
    ]


class TestPage:
    def shown(self, client_of, version, who="otto", **query) -> str:
        return client_of(who).get(f"/versions/{version.subject}/diff/", query).content.decode()

    def test_parts_come_first_and_lines_when_asked_for(self, client_of, versions):
        page = self.shown(client_of, versions[1])
        assert "0 changed, 0 added, 0 removed, 1 moved" in page
        assert "Moved from 2 to 1" in page
        page = self.shown(client_of, versions[2], view="lines", against="1")
        assert "1 changed, 4 added, 4 removed<" in page
        assert "principles[a].text" in page

    def test_any_two_versions_are_chosen_by_the_form(self, client_of, versions):
        client = client_of("otto")
        moved = client.get(f"/versions/{versions[0].subject}/diff/?against=1&to=3&show=all&view=parts")
        assert moved["Location"] == "/versions/constitution:rules@3/diff/?against=1&show=all&view=parts"
        page = client.get(moved["Location"]).content.decode()
        assert "Changes from version 1 to 3" in page
        assert "1 changed, 1 added, 1 removed, 0 moved" in page
        assert "Changes from version 3 to 1" in self.shown(client_of, versions[0], against="3")

    def test_a_restricted_version_is_offered_to_nobody_who_may_not_read_it(self, client_of, versions):
        page = self.shown(client_of, versions[0])
        assert '<option value="3"' in page
        assert '<option value="4"' not in page
        assert "Be brief." not in self.shown(client_of, versions[0], against="4", show="all")
        assert client_of_status(client_of, versions[3]) == 403
        assert "Be brief." in self.shown(client_of, versions[0], who="axel", against="4")

    def test_all_shows_what_is_the_same(self, client_of, versions):
        assert "Be kind to all people." not in self.shown(client_of, versions[1])
        assert "Be kind to all people." in self.shown(client_of, versions[1], show="all")

    def test_long_comparisons_have_pages(self, client_of, versions, monkeypatch):
        monkeypatch.setattr(diff_page, "PARTS", 1)
        page = self.shown(client_of, versions[2], against="1", show="all", layout="unified")
        assert "1 to 1 of 3 parts" in page
        assert "against=1&amp;show=all&amp;layout=unified&amp;page=2" in page
        assert "of 3 parts" in self.shown(client_of, versions[2], against="1", show="all", page="2")

    def test_a_dataset_shows_its_statistics_and_files(self, client_of, tmp_path, db):
        builders.dataset(tmp_path, "chats", rows=4)
        page = self.shown(client_of, builders.dataset(tmp_path, "chats", rows=5))
        assert re.search(r"<code>rows</code></th>.*?\+1 \(\+25\.0%\)", page, re.DOTALL)
        assert "chats.jsonl" in page.split("Files</h2>")[1]
        assert "1 changed, 0 added, 0 removed, 0 moved" in page

    def test_a_text_without_parts_is_compared_by_line(self, client_of, db):
        actions.register("system-prompt", "brief", {"text": "Be brief.\nBe kind."}, actor=POLLY)
        two = actions.register("system-prompt", "brief", {"text": "Be brief.\nBe very kind."}, actor=POLLY)
        page = self.shown(client_of, two)
        assert "counted in lines" in page
        assert "<ins>very </ins>" in page
        assert 'id="view"' not in page

    def test_a_thousand_versions_are_no_thousand_choices(self, client_of, db, django_assert_max_num_queries):
        for number in range(250):
            newest = actions.register("system-prompt", "many", {"text": f"{number}"}, actor=POLLY)
        client = client_of("otto")
        with django_assert_max_num_queries(50):
            page = client.get(f"/versions/{newest.subject}/diff/").content.decode()
        assert page.count("<option") < 420


@requires("openai_model_spec")
def test_a_real_policy_is_compared_rule_by_rule(client_of, db):
    """OpenAI's Model Spec of two days: 6 rules changed and 2 came between October and December 2025."""
    folder = REAL / "openai_model_spec"
    for day in ("2025-10-27", "2025-12-18"):
        about = {"title": "Model Spec", "type": "behaviour", "effective_from": day}
        read = importers.read("policy", folder / f"model_spec_{day}.md", about)
        newest = actions.register("policy", "model-spec", read.content, files=read.files, actor=POLLY)
    client = client_of("otto")
    page = client.get(f"/versions/{newest.subject}/diff/").content.decode()
    assert "6 changed, 2 added, 0 removed, 0 moved" in page
    assert "<code>effective_from</code>" in page
    assert "Every" in page
    assert len(page) < 400_000
    assert client.get(f"/versions/{newest.subject}/diff/?view=lines&show=all&page=3").status_code == 200


def client_of_status(client_of, version) -> int:
    return client_of("otto").get(f"/versions/{version.subject}/diff/").status_code
