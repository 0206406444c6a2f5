"""The search index: what is found, by whom it may be read, and that it follows what is recorded. On both databases."""

from pathlib import Path

import pytest
from django.db import connection

from governance.registry import actions, index, lookup, search
from governance.registry.kinds.base import digest_of
from governance.registry.models import Version
from governance.registry.search.rows import PART
from governance.reviews import actions as reviews
from tests.builders import ADA, CONSTITUTION, POLLY, RAVI, approved, constitution, dataset, model, trained
from tests.cast import person

pytestmark = pytest.mark.django_db


def found(query: str, **filters: str) -> list[str]:
    return [result.shown.name for result in search.find(query, **filters)[:50]]


def counts(query: str) -> dict[str, int]:
    return {source.type: number for source, number in search.find(query).counts}


def passages(query: str) -> str:
    return " ".join(piece.text for result in search.find(query)[:50] for piece in result.passage)


def prompt(slug: str, text: str, **more) -> Version:
    return actions.register("system-prompt", slug, {"text": text}, actor=POLLY, **more)


def principles(*texts: str, **more) -> dict:
    return {
        "title": "Rules",
        "principles": [{"id": f"rule-{n}", "text": text, **more} for n, text in enumerate(texts, 1)],
    }


class TestWhatIsFound:
    def test_texts_ids_names_people_and_digests(self, tmp_path):
        version = constitution()
        data = dataset(tmp_path, source="a forum about gardening")
        for query in (
            "what hurts people",
            "no-harm",
            "House rules",
            "constitution:house@1",
            version.digest,
            "polly",
        ):
            assert "constitution:house@1" in found(query), query
        for query in ("gardening forum", "CC0-1.0", "chats dataset", "ada"):
            assert data.subject in found(query), query
        assert "constitution:house" in found("house", type="artifact")

    def test_words_are_all_needed_and_the_last_may_be_unfinished(self):
        prompt("brief", "Answer briefly and kindly.")
        assert found("kindly answ") == ["system-prompt:brief@1"]
        assert found("answ kindly") == []
        assert found("kindly absent") == []

    def test_fields_with_a_fixed_choice_of_words_and_hashes_are_no_text(self, tmp_path):
        constitution()
        data = dataset(tmp_path)
        assert found("platform") == []
        assert found(data.content["rows_digest"]) == []

    @pytest.mark.parametrize(
        ("text", "query"),
        [
            ("这个模型拒绝有害的请求。", "模型拒绝"),
            ("これはデータセットです", "データ"),
            ("แบบจำลองภาษา", "จำลอง"),
            ("안전한 모델", "모"),
            ("Модель отказывается", "МОДЕЛЬ"),
            ("نموذج لُغَوِيّ", "لغوي"),
            ("Überprüfung der Straße", "uberprufung STRASSE"),
        ],
    )
    def test_any_script(self, text, query):
        prompt("any", text)
        assert found(query) == ["system-prompt:any@1"]
        assert any(piece.marked for piece in search.find(query)[0].passage)

    def test_characters_must_stand_side_by_side(self):
        prompt("apart", "模 and 型, 型模")
        assert found("模型") == []
        prompt("across", "模\n型")
        assert found("模型") == ["system-prompt:across@1"]

    @pytest.mark.parametrize(
        "query",
        [
            'C++ "x',
            "a OR b",
            "NOT",
            "(x",
            "x*",
            "names:x",
            "^x",
            "'; DROP TABLE x",
            "a:*b & !c",
            "\\x",
            "a b " * 50,
        ],
    )
    def test_nothing_that_a_person_types_is_an_operator(self, query):
        assert found(query) == []

    @pytest.mark.parametrize("query", ["a\0", "x" * 10_240, "++", '"'])
    def test_what_nobody_can_look_for_is_refused(self, query):
        with pytest.raises(search.BadQuery):
            search.find(query)

    def test_an_empty_query_finds_nothing(self):
        constitution()
        assert len(search.find("")) == 0

    def test_filters_by_type_and_kind(self, tmp_path):
        constitution("chats")
        dataset(tmp_path, "chats")
        assert found("chats", type="version", kind="dataset") == ["dataset:chats@1"]
        assert set(found("chats", type="artifact")) == {"constitution:chats", "dataset:chats"}
        assert counts("chats")["version"] == 2
        assert found("chats", type="nothing") == []

    def test_a_name_weighs_more_than_a_text_and_a_rare_word_comes_first(self):
        prompt("other", "Say nothing of the garden, and nothing of " + "others " * 30)
        prompt("garden", "Say nothing.")
        assert found("garden", type="version")[0] == "system-prompt:garden@1"

    def test_a_long_text_is_found_to_its_end_and_once(self):
        text = "模型 filler " + "的 " * 3 * PART + "最后评估 harbour"
        prompt("long", text)
        assert found("最后评估") == ["system-prompt:long@1"]
        assert found("harbour") == ["system-prompt:long@1"]
        assert found("的", type="version") == ["system-prompt:long@1"]
        assert counts("的") == {"version": 1}
        assert "harbour" in passages("harbour")

    def test_a_word_of_endless_length_and_many_different_words(self):
        prompt("blob", "x" * 200_000 + " " + " ".join(f"𠀀{n}{'ü' * 30}" for n in range(12_000)))
        assert found("x" * 50) == ["system-prompt:blob@1"]
        assert found("11999" + "u" * 20) == ["system-prompt:blob@1"]


class TestWhatIsNot:
    def test_a_draft_is_found_when_it_is_sealed(self):
        draft = actions.save_draft("constitution", "house", CONSTITUTION, actor=POLLY)
        assert found("hurts") == []
        reviews.submit(draft, actor=POLLY)
        assert found("hurts") == ["constitution:house@1"]

    def test_what_is_internal_is_in_no_result_count_or_passage(self):
        hidden = {"visibility": "internal", "reason": "Names a customer.", "owner": "polly"}
        content = principles("The zanzibar clause.", **hidden)
        content["principles"] += principles("Be kind to everybody.")["principles"]
        content["principles"][1]["id"] = "kindness"
        constitution("secretive", content=content)
        actions.register(
            "system-prompt", "inner", {"text": "Say zanzibar.", "visibility": "internal"}, actor=POLLY
        )
        before = [hit.score for hit in search.find("kind everybody").hits]
        assert len(search.find("zanzibar")) == 0
        assert found("names a customer") == ["constitution:secretive@1"]
        assert "zanzibar" not in passages("kind everybody") + passages("secretive")
        # Ranks come from the disclosed words alone: more hidden ones change nothing.
        assert before == [hit.score for hit in search.find("kind everybody").hits]

    def test_of_what_is_restricted_only_the_name_is_found(self, tmp_path):
        person("ravi")
        version = prompt("quiet", "The word is heliotrope.", restricted=True)
        reviews.submit(version, actor=POLLY)
        reviews.refuse(version, digest=str(version.digest), reason="It says heliotrope.", actor=RAVI)
        other = prompt("quieter", "Heliotrope again.", restricted=True)
        actions.revoke(other, reason="It says heliotrope.", actor=RAVI)
        assert found("heliotrope") == []
        results = search.find("quiet", type="version")[:9]
        assert {(result.shown.name, result.shown.restricted) for result in results} == {
            ("system-prompt:quiet@1", True),
            ("system-prompt:quieter@1", True),
        }
        assert not passages("quiet").strip()

    def test_the_tables_hold_no_word_that_is_kept_from_anybody(self):
        prompt("quiet", "The word is heliotrope.", restricted=True)
        actions.save_draft("system-prompt", "sketch", {"text": "heliotrope"}, actor=POLLY)
        assert "heliotrope" not in everything_indexed()


def everything_indexed() -> str:
    tables = ["registry_search"]
    if connection.vendor == "sqlite":
        tables += ["registry_search_words_content", "registry_search_words_data"]
    with connection.cursor() as cursor:
        rows = []
        for table in tables:
            cursor.execute(f"SELECT * FROM {table}")
            rows += cursor.fetchall()
    return str(rows)


class TestWhoSaidWhat:
    def test_reasons_of_reviews_and_of_revocations(self):
        version = approved(constitution())
        assert found("it is right", type="review") == ["constitution:house@1"]
        actions.revoke(version, reason="A customer complained about the tone.", actor=RAVI)
        result = search.find("complained tone")[0]
        assert (result.type, result.shown.name) == ("revocation", "constitution:house@1")
        assert "person:ravi" in result.shown.title

    def test_the_state_shown_is_todays(self):
        version = constitution()
        assert search.find("hurts")[0].shown.state == "sealed"
        actions.revoke(version, reason="Wrong.", actor=RAVI)
        assert search.find("hurts", type="version")[0].shown.state == "revoked"

    def test_whoever_submits_becomes_findable(self):
        version = constitution()
        reviews.submit(version, actor=ADA)
        assert found("ada", type="version") == ["constitution:house@1"]


class TestTheIndex:
    def test_a_rebuild_finds_the_same(self, tmp_path):
        build(tmp_path)
        queries = ("hurts", "chats", "polly", "it is right", "wrong", "answer", "sft")
        before = {query: [(r.type, r.shown, r.passage) for r in search.find(query)[:50]] for query in queries}
        assert before["hurts"]
        counts = index.rebuild()
        assert counts["document"] == rows()
        for query in queries:
            again = [(r.type, r.shown, r.passage) for r in search.find(query)[:50]]
            assert sorted(map(str, again)) == sorted(map(str, before[query])), query

    def test_an_action_that_fails_leaves_no_words(self, monkeypatch):
        monkeypatch.setattr(actions, "end_activity", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            constitution()
        assert (rows(), found("hurts")) == (0, [])

    def test_registering_again_adds_no_second_row(self):
        constitution()
        count = rows()
        constitution()
        assert rows() == count

    def test_proxies_are_what_they_stand_for(self):
        version = constitution()

        class Proxied(Version):
            class Meta:
                proxy = True
                app_label = "registry"

        search.forget(version)
        assert found("hurts") == []
        search.index(Proxied.objects.get(pk=version.pk))
        assert found("hurts") == ["constitution:house@1"]

    def test_an_erased_version_keeps_its_name(self):
        version = constitution()
        version.content = None
        search.index(version)
        assert found("hurts") == []
        assert found("house", type="version") == ["constitution:house@1"]


def build(folder: Path) -> None:
    tuned = trained(folder, model(folder), [dataset(folder)])
    approved(constitution())
    actions.revoke(tuned, reason="Wrong data.", actor=RAVI)
    prompt("quiet", "The word is heliotrope.", restricted=True)


def rows() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT type || object) FROM registry_search")
        return cursor.fetchone()[0]


def test_what_is_forgotten_is_gone_from_the_file(sqlite_db):
    for number in range(200):
        prompt(f"other-{number}", f"Filler number {number}.")
    version = prompt("gone", "The word is heliotrope.")
    assert found("heliotrope") == ["system-prompt:gone@1"]
    search.forget(version)
    assert found("heliotrope") == []
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    # The version's own content still has it, once; the index has none.
    assert sqlite_db.read_bytes().count(b"heliotrope") == 1
    assert digest_of(version.kind, version.schema, version.content) == lookup.find("gone").digest
