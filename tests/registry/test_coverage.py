"""What cites a principle: the index, the matrix with its flags, and its doors."""

import json

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from governance.registry import actions, index, kinds
from governance.registry.citations import coverage, matrix
from governance.registry.kinds.base import digest_of, plain
from governance.registry.models import Citation
from tests import builders
from tests.builders import POLLY, RAVI
from tests.cast import gather
from tests.registry import citing
from tests.registry.citing import HOUSE, SECRET

pytestmark = pytest.mark.django_db
API = "/api/v1/versions/constitution/house/1/"


def client(name: str, kind: type = Client) -> Client:
    made = kind()
    made.force_login(gather().users[name])
    return made


def cells(version, user=None) -> dict[str, dict[str, int]]:
    return {
        line.id: {area: cell.count for area, cell in line.cells.items() if cell.count}
        for line in coverage.of_version(version, user).lines
    }


def flags(version, user=None) -> dict[str, list[str]]:
    return {line.id: line.flags for line in coverage.of_version(version, user).lines}


class TestMatrix:
    def test_every_area_is_counted(self, tmp_path):
        house = citing.around(tmp_path)
        assert cells(house) == {
            "honest": {"guideline": 1, "rows": 5, "eval": 3, "gate": 1},
            "kind": {"guideline": 2, "reward": 1, "eval": 2, "text": 1},
            "weapons": {"rows": 5},
            "alone": {},
        }

    def test_flags_are_those_of_the_risk_sheet(self, tmp_path):
        house = citing.around(tmp_path)
        assert flags(house) == {
            "honest": [],
            "kind": ["unimplemented"],
            "weapons": ["hidden"],
            "alone": ["untested", "unimplemented"],
        }
        assert coverage.of_version(house, None).flags == {"hidden": 1, "untested": 1, "unimplemented": 2}

    def test_an_internal_principle_that_a_public_policy_states_is_public(self, tmp_path):
        house = citing.around(tmp_path)
        rule = {"id": "weapons", "text": "No weapons.", "cites": ["constitution:house#weapons"]}
        citing.register("policy", "behaviour", {"title": "B", "type": "behaviour", "rules": [rule]})
        assert flags(house)["weapons"] == ["untested"]

    def test_what_is_internal_or_restricted_states_nothing_publicly(self):
        house = builders.constitution(content=HOUSE)
        rule = {"id": "weapons", "text": "No.", "cites": ["constitution:house#weapons"]}
        internal = {**rule, "visibility": "internal", "reason": "r", "owner": "o"}
        for slug, one, restricted in (("a", internal, False), ("b", rule, True)):
            content = {"title": slug, "type": "behaviour", "rules": [one]}
            citing.register("policy", slug, content, restricted=restricted)
        assert cells(house)["weapons"] == {}

    def test_a_restricted_constitution_is_public_in_no_principle(self):
        version = citing.register("constitution", "house", HOUSE, restricted=True)
        found = coverage.of_version(version, None).lines
        assert not any(line.public for line in found)

    def test_unknown_ids_are_listed_and_not_counted(self, tmp_path):
        house = citing.around(tmp_path)
        found = coverage.of_version(house, None)
        told = {(one.name, one.version.subject, one.place) for one in found.dangling}
        assert told == {
            ("nowhere", "guideline:raters@1", "section truth"),
            ("gone", "eval-suite:honesty@1", "items of task mixed"),
        }

    def test_only_the_newest_usable_version_of_what_cites_counts(self):
        house = builders.constitution(content=HOUSE)
        gates = [{"title": f"G{n}", "rules": [citing.gate("constitution:house#honest")]} for n in range(3)]
        first, second, third = (citing.register("release-policy", "g", one) for one in gates)
        assert cells(house)["honest"] == {"gate": 1}
        actions.revoke(third, reason="wrong", actor=RAVI)
        assert coverage.citing(house, None, name="honest").get().version == second
        actions.revoke(second, reason="wrong", actor=RAVI)
        actions.revoke(first, reason="wrong", actor=RAVI)
        assert cells(house)["honest"] == {}

    def test_drafts_cite_nothing(self):
        house = builders.constitution(content=HOUSE)
        content = {"title": "G", "rules": [citing.gate("constitution:house#honest")]}
        actions.save_draft("release-policy", "g", content, actor=POLLY)
        assert cells(house)["honest"] == {}


class TestOtherVersions:
    def test_the_same_wording_counts_and_an_earlier_one_does_not(self, tmp_path):
        house = builders.constitution(content=HOUSE)
        pin = {"subject": house.subject, "digest": house.digest}
        citing.register("guideline", "raters", citing.guideline(pin))
        changed = [{**HOUSE["principles"][0], "text": "Never deceive."}, *HOUSE["principles"][1:]]
        second = builders.constitution(content={**HOUSE, "principles": changed})
        found = {line.id: line.cells["guideline"] for line in coverage.of_version(second, None).lines}
        assert (found["honest"].count, found["honest"].older) == (0, 1)
        assert (found["kind"].count, found["kind"].older) == (2, 0)
        assert cells(house)["honest"] == {"guideline": 1}

    def test_a_version_that_does_not_exist_dangles(self):
        house = builders.constitution(content=HOUSE)
        content = {"title": "G", "rules": [citing.gate("constitution:house@9#honest")]}
        gates = citing.register("release-policy", "g", content)
        assert cells(house)["honest"] == {}
        assert [one.number for one in coverage.of_version(house, None).dangling] == [9]
        page = client("polly").get(f"/versions/{gates.subject}/").content.decode()
        assert "constitution:house@9 does not exist here" in page


class TestIndex:
    def test_it_is_rebuilt_as_it_was(self, tmp_path):
        citing.around(tmp_path)
        fields = ("version", "area", "document", "number", "name", "place", "count")
        before = set(Citation.objects.values_list(*fields))
        Citation.objects.all().delete()
        assert index.rebuild()["citation"] == len(before) > 0
        assert set(Citation.objects.values_list(*fields)) == before

    def test_a_bare_id_belongs_to_the_document_that_has_it(self):
        house = builders.constitution(content=HOUSE)
        rules = {"title": "P", "type": "behaviour", "rules": [{"id": "brief", "text": "Be brief."}]}
        policy = citing.register("policy", "style", rules)
        pins = [{"subject": one.subject, "digest": one.digest} for one in (house, policy)]
        content = {**citing.guideline(pins[0], "brief"), "follows": pins}
        citing.register("guideline", "raters", content)
        found = dict(Citation.objects.values_list("name", "document").distinct())
        assert found == {
            "honest": "constitution:house", "kind": "constitution:house", "brief": "policy:style",
            "nowhere": "constitution:house",
        }  # fmt: skip

    def test_a_bare_id_without_a_document_is_told(self, tmp_path):
        builders.dataset(tmp_path, cites=["honest"])
        assert Citation.objects.get().document == ""
        page = client("ada").get("/versions/dataset:chats@1/").content.decode()
        assert "It names no document" in page

    def test_one_principle_cited_in_two_ways_counts_once_for_each(self):
        house = builders.constitution(content=HOUSE)
        pin = {"subject": house.subject, "digest": house.digest}
        citing.register("guideline", "raters", citing.guideline(pin, "constitution:house@1#honest"))
        assert cells(house)["honest"] == {"guideline": 2}


class TestDigests:
    """A new optional field that is not used changes no digest."""

    def test_content_without_citations_has_the_canonical_form_that_it_had(self):
        kind = kinds.get("release-policy")
        rule = {key: value for key, value in citing.gate().items() if key != "cites"}
        old = {"title": "G", "rules": [{**rule, "severity": "block", "standard": ""}]}
        for cites in ({}, {"cites": []}):
            made = plain(kind.parse({"title": "G", "rules": [{**rule, **cites}]}))
            assert "cites" not in made["rules"][0]
            assert old["rules"][0].items() <= made["rules"][0].items()
        one, other = (
            plain(kind.parse({"title": "G", "rules": [citing.gate(*cites)]}))
            for cites in ((), ("constitution:house#a",))
        )
        assert digest_of(kind.name, kind.schema, one) != digest_of(kind.name, kind.schema, other)

    @pytest.mark.parametrize("cite", ["honest", "dataset:x#a", "constitution:house#", "constitution:House#a"])
    def test_a_citation_names_a_constitution_or_a_policy(self, cite):
        with pytest.raises(kinds.base.ContentError, match=r"rules\.0\.cites\.0"):
            kinds.get("release-policy").parse({"title": "G", "rules": [citing.gate(cite)]})


class TestPages:
    def test_the_matrix_names_everything_but_the_text_of_what_is_internal(self, tmp_path):
        citing.around(tmp_path)
        page = client("polly").get("/versions/constitution:house@1/coverage/").content.decode()
        assert SECRET not in page
        assert "About weapons" not in page
        assert "under legal review (legal answers for it.)" in page
        assert '<span class="chip">hidden</span>' in page
        assert "?in=rows" in page
        assert page.count('<th scope="col"') == 8 + 5

    def test_flags_choose_lines(self, tmp_path):
        citing.around(tmp_path)
        page = client("polly").get("/versions/constitution:house@1/coverage/?flag=hidden").content.decode()
        assert "<code>weapons</code>" in page
        assert "<code>kind</code>" not in page

    def test_one_principle_lists_what_cites_it(self, tmp_path):
        citing.around(tmp_path)
        seen = client("polly")
        page = seen.get("/versions/constitution:house@1/coverage/kind/").content.decode()
        for subject in (
            "guideline:raters@1",
            "reward-model:judge@1",
            "eval-suite:honesty@1",
            "policy:usage@1",
        ):
            assert subject in page
        assert "worked example sum of section tone" in page
        some = seen.get("/versions/constitution:house@1/coverage/kind/?in=reward").content.decode()
        assert "reward-model:judge@1" in some
        assert "guideline:raters@1" not in some
        nothing = seen.get("/versions/constitution:house@1/coverage/alone/").content.decode()
        assert "Nothing cites it here" in nothing

    def test_the_version_pages_lead_there(self, tmp_path):
        citing.around(tmp_path)
        seen = client("polly")
        assert (
            "/versions/constitution:house@1/coverage/"
            in seen.get("/versions/constitution:house@1/").content.decode()
        )
        rows = seen.get("/versions/dataset:declared@1/").content.decode()
        assert '/versions/constitution:house@1/#principle-weapons"' in rows
        guideline = seen.get("/versions/guideline:raters@1/").content.decode()
        assert "constitution:house@1 has no such id." in guideline
        assert guideline.index("unknown id") < guideline.index("#principle-honest")

    @pytest.mark.parametrize(
        ("address", "status"),
        [
            ("/versions/dataset:declared@1/coverage/", 404),
            ("/versions/constitution:house@9/coverage/", 404),
            ("/versions/constitution:house@1/coverage/nowhere/", 404),
            ("/versions/constitution:draft@1/coverage/", 404),
            ("/versions/constitution:secret@1/coverage/", 403),
        ],
    )
    def test_what_has_none_says_so(self, tmp_path, address, status):
        citing.around(tmp_path)
        actions.save_draft("constitution", "draft", HOUSE, actor=POLLY)
        citing.register("constitution", "secret", HOUSE, restricted=True)
        assert client("ada").get(address).status_code == status

    def test_nobody_sees_it_without_an_account(self, tmp_path):
        citing.around(tmp_path)
        assert Client().get("/versions/constitution:house@1/coverage/").status_code == 302
        assert APIClient().get(f"{API}coverage/").status_code == 401

    def test_restricted_citations_count_for_their_readers_alone(self, tmp_path):
        house = builders.constitution(content=HOUSE)
        rule = {"title": "G", "rules": [citing.gate("constitution:house#kind")]}
        citing.register("release-policy", "quiet", rule, restricted=True)
        cast = gather()
        assert cells(house, cast.ravi)["kind"] == cells(house, cast.polly)["kind"] == {"gate": 1}
        assert cells(house, cast.ada)["kind"] == {}
        seen = Client()
        seen.force_login(cast.ada)
        page = seen.get("/versions/constitution:house@1/coverage/").content.decode()
        assert "1 restricted version that you may not read cites it too" in " ".join(page.split())
        assert "release-policy:quiet" not in page


def many(number: int) -> None:
    principles = [{"id": f"p{n}", "text": f"Principle {n}."} for n in range(number)]
    builders.constitution(content={"title": "Many", "principles": principles})
    for slug in range(1 + number // 100):
        cites = [f"constitution:house#p{n}" for n in range(number)]
        citing.register("release-policy", f"g{slug}", {"title": "G", "rules": [citing.gate(*cites)]})


def test_queries_do_not_grow_with_principles():
    seen, found = client("polly"), {}
    for turn, number in enumerate((1, 20, 200), 1):
        many(number)
        pages = ("", "coverage/", "coverage/p0/")
        addresses = [f"/versions/constitution:house@{turn}/{page}" for page in pages]
        addresses += [
            f"/api/v1/versions/constitution/house/{turn}/{name}/" for name in ("coverage", "citations")
        ]
        for name, address in zip((*pages, "api", "citations"), addresses, strict=True):
            with CaptureQueriesContext(connection) as caught:
                assert seen.get(address).status_code == 200
            found.setdefault(name, []).append(len(caught))
    assert max(max(counts[1:]) for counts in found.values()) <= 50
    for name, counts in found.items():
        assert max(counts[1:]) <= counts[0] + 2, name
    page = seen.get("/versions/constitution:house@3/coverage/?page=2").content.decode()
    assert "101 to 200 of 200 principles" in page


class TestApi:
    def test_the_matrix_in_pages(self, tmp_path):
        citing.around(tmp_path)
        api = client("ada")
        told = api.get(f"{API}coverage/", {"page_size": "3"}).json()
        assert [line["id"] for line in told["results"]] == ["honest", "kind", "weapons"]
        weapons = told["results"][2]
        assert (weapons["heading"], weapons["owner"], weapons["flags"]) == ("", "legal", ["hidden"])
        assert weapons["cells"]["rows"] == {"count": 5, "older": 0, "state": ""}
        assert weapons["cells"]["text"]["state"] == "hidden"
        assert SECRET not in json.dumps(told)
        assert [line["id"] for line in api.get(told["next"]).json()["results"]] == ["alone"]
        some = api.get(f"{API}coverage/", {"flag": "untested"}).json()["results"]
        assert [line["id"] for line in some] == ["alone"]
        assert api.get(f"{API}coverage/", {"flag": "other"}).status_code == 400

    def test_citations_of_one_principle(self, tmp_path):
        citing.around(tmp_path)
        api = client("ada")
        told = api.get(f"{API}citations/", {"id": "kind", "page_size": "3"}).json()
        rest = api.get(told["next"]).json()["results"]
        assert sorted(one["area"] for one in told["results"] + rest) == [
            "eval", "guideline", "guideline", "reward", "text",
        ]  # fmt: skip
        some = api.get(f"{API}citations/", {"area": "gate"}).json()["results"]
        assert [(one["id"], one["subject"], one["place"]) for one in some] == [
            ("honest", "release-policy:gates@1", "rule tested")
        ]

    def test_what_a_version_cites(self, tmp_path):
        citing.around(tmp_path)
        told = client("ada").get("/api/v1/versions/guideline/raters/1/cites/").json()["results"]
        assert [one["id"] for one in told] == ["nowhere", "honest", "kind", "kind"]
        assert [one["why_dangling"] for one in told] == ["constitution:house@1 has no such id.", "", "", ""]

    def test_what_has_no_principles_is_not_found(self, tmp_path):
        citing.around(tmp_path)
        answer = client("ada").get("/api/v1/versions/dataset/declared/1/coverage/")
        assert answer.status_code == 404
        assert "has no principles" in answer.json()["detail"]


class TestCommand:
    def test_it_prints_the_grid(self, tmp_path, capsys):
        citing.around(tmp_path)
        call_command("coverage", "constitution:house")
        said = capsys.readouterr().out
        assert "weapons" in said
        assert "1 hidden: trained or rewarded, and not public." in said
        assert "Unknown id nowhere: cited by guideline:raters@1, section truth." in said
        assert SECRET not in said

    def test_json_for_one_flag(self, tmp_path, capsys):
        citing.around(tmp_path)
        call_command("coverage", "constitution:house@1", "--flag", "hidden", "--json")
        told = json.loads(capsys.readouterr().out)
        assert [line["id"] for line in told["lines"]] == ["weapons"]
        assert told["flags"] == {"hidden": 1, "untested": 1, "unimplemented": 2}
        assert {one["id"] for one in told["dangling"]} == {"nowhere", "gone"}

    @pytest.mark.parametrize("subject", ["dataset:declared", "constitution:nowhere", "constitution:secret"])
    def test_it_refuses_in_a_sentence(self, tmp_path, capsys, subject):
        citing.around(tmp_path)
        citing.register("constitution", "secret", HOUSE, restricted=True)
        with pytest.raises(SystemExit) as stop:
            call_command("coverage", subject)
        assert stop.value.code == 1
        assert subject.split(":")[1].split("@")[0] in capsys.readouterr().err


def test_flags_of_the_formula():
    """R3.1 by hand: each combination of rows, reward, evaluation and public."""
    part = {"id": "p", "text": "t"}
    for visibility in ("public", "internal"):
        for taught in ("rows", "reward", None):
            for tested in (True, False):
                tallies = [matrix.Tally("p", taught, None, 1)] if taught else []
                tallies += [matrix.Tally("p", "eval", 1, 2)] if tested else []
                here = {1: {"p": matrix.wording(part)}}
                (line,) = matrix.lines([{**part, "visibility": visibility}], tallies, here, restricted=False)
                public = visibility == "public"
                expected = [
                    *(["hidden"] if taught and not public else []),
                    *(["untested"] if public and not tested else []),
                    *(["unimplemented"] if public and taught != "rows" else []),
                ]
                assert line.flags == expected
