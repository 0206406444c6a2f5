"""Imports over HTTP and in the browser, what the pages show of them, and what evidence says."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from evals import comparison
from evals.importing.actions import import_evaluation
from governance.evidence.collect import collect
from governance.ledger import keys
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.registry import actions
from governance.registry.models import Activity, Blob, Version
from tests import builders
from tests.api.conftest import V1, cast, fields, problem, signed_in, with_token
from tests.builders import ADA
from tests.evals.foreign import inspect_members, lm_eval_files, table, zipped
from tests.evals.recorded import evaluated, suite
from tests.evals.test_import_csv import bare, full
from tests.evals.test_import_lm_eval import SCORES
from tests.pages.forms import errors, opened

__all__ = ["cast", "signed_in", "with_token"]

PAGE = "/evaluations/import/"


@pytest.fixture
def things(cast, tmp_path):
    comparison.by_digest.cache_clear()
    return builders.model(tmp_path), suite(tmp_path, items=20)


def uploads(paths):
    return [SimpleUploadedFile(path.name, path.read_bytes()) for path in paths]


def post(client, paths, **given):
    body = {"model": "model:base", "suite": "eval-suite:basics", "file": uploads(paths), **given}
    body = {name: value for name, value in body.items() if value is not None}
    return client.post(f"{V1}/evaluations/import/", body, format="multipart")


def kept():
    return Entry.objects.count(), Version.objects.count(), Activity.objects.count(), Blob.objects.count()


def test_files_are_imported_over_http(things, signed_in, tmp_path):
    files = lm_eval_files(tmp_path / "run", {"strict": SCORES})
    response = post(signed_in("ada"), files)
    assert response.status_code == 201, response.content
    told = response.json()
    assert response["Location"].endswith(f"{V1}/evaluations/{told['id']}/")
    assert (told["state"], told["by"], told["summary"]["recorded_by"]) == ("ended", "person:ada", "import")
    items = signed_in("ada").get(f"{V1}/evaluations/{told['id']}/items/").json()["results"]
    assert (len(items), items[3]["item"], items[3]["score"]) == (20, "s0003", "1")
    again = post(signed_in("ada"), files)
    assert (again.status_code, again.json()["id"]) == (200, told["id"])


def test_a_table_without_texts_shows_its_gaps(things, signed_in, tmp_path):
    told = post(signed_in("ada"), [table(tmp_path / "scores.csv", bare())]).json()
    item = signed_in("ada").get(f"{V1}/evaluations/{told['id']}/items/").json()["results"][0]
    assert (item["item_hash"], item["prompt_hash"], item["response"], item["filter"]) == (
        None,
        None,
        None,
        None,
    )
    assert "seed" in told["summary"]["not_recorded"]


def test_a_new_suite_over_http(things, signed_in, tmp_path):
    path = zipped(tmp_path / "run.eval", inspect_members({"match": ["C", "I"]}))
    response = post(
        signed_in("ada"), [path], suite=None, new_suite="inspected", margin="0.05", format="inspect"
    )
    assert response.status_code == 201, response.content
    assert Version.objects.get(artifact__slug="inspected").content["tasks"][0]["margin"] == "0.05"


def test_refusals_over_http_name_what_is_wrong_and_keep_nothing(things, signed_in, with_token, tmp_path):
    ada, files = signed_in("ada"), lm_eval_files(tmp_path / "run", {"strict": SCORES, "loose": SCORES})
    narrow = with_token("ada", "registry:version:register")
    before = kept()
    assert "choose one" in problem(post(ada, files), 409)["detail"]
    assert "is missing" in problem(post(ada, files[:1]), 422)["detail"]
    assert fields(problem(post(ada, files, suite=None), 400)) == {"suite"}
    assert fields(problem(post(ada, files, new_suite="more", margin="0.1"), 400)) == {"suite"}
    assert fields(problem(post(ada, files, suite=None, new_suite="more"), 400)) == {"margin"}
    assert fields(problem(post(ada, [files[0], files[0]]), 400)) == {"file"}
    assert fields(problem(post(ada, files, colour="red"), 400)) == {"colour"}
    problem(post(ada, files, suite="eval-suite:none"), 404)
    for name in ("ravi", "mara", "axel", "otto"):
        problem(post(signed_in(name), files), 403)
    assert kept() == before
    problem(post(narrow, files, filter="loose"), 403)
    assert kept() == (before[0] + 1, *before[1:]), "that a token was refused is an entry"
    assert post(with_token("ada", "registry:activity:record"), files, filter="loose").status_code == 201


def test_an_import_beyond_the_limit_is_refused_unread(things, signed_in, tmp_path, settings):
    settings.CHARTER_UPLOAD_BYTES = 500
    problem(post(signed_in("ada"), lm_eval_files(tmp_path / "run", {"strict": SCORES})), 413)


def test_a_restricted_suite_is_not_for_everybody(things, signed_in, tmp_path):
    secret = actions.register("eval-suite", "secret", things[1].content, restricted=True, actor=ADA)
    files = lm_eval_files(tmp_path / "run", {"strict": SCORES})
    assert "restricted" in problem(post(signed_in("eno"), files, suite=secret.subject), 403)["detail"]
    assert post(signed_in("ada"), files, suite=secret.subject).status_code == 201


@pytest.fixture
def browser(things, cast):
    client = Client()
    client.force_login(cast.ada)
    return client


def sent(client, paths, **typed):
    given = opened(client, f"{PAGE}?model=model:base@1")
    return client.post(PAGE, {**given, "suite": "eval-suite:basics", "file": uploads(paths), **typed})


def test_the_form_is_reached_from_the_model_and_from_the_launch_page(browser):
    assert f"{PAGE}?model=model%3Abase%401" in browser.get("/versions/model:base@1/").content.decode()
    assert PAGE in browser.get("/evaluations/new/").content.decode()
    assert opened(browser, f"{PAGE}?model=model:base@1")["model"] == "model:base@1"


def test_files_are_imported_in_the_browser_once(browser, tmp_path):
    files = lm_eval_files(tmp_path / "run", {"strict": SCORES})
    given = {**opened(browser, f"{PAGE}?model=model:base@1"), "suite": "eval-suite:basics"}
    first, second = (browser.post(PAGE, {**given, "file": uploads(files)}) for _ in range(2))
    activity = Activity.objects.get(kind="evaluation")
    assert first["Location"] == second["Location"] == f"/evaluations/{activity.pk}/"
    third = sent(browser, files)
    assert third["Location"] == first["Location"]
    assert ", imported" in browser.get("/versions/model:base@1/").content.decode()
    shown = browser.get(first["Location"]).content.decode()
    for text in ("from the files of another harness, not measured here", "samples_sums_", "0.7", "lm-eval"):
        assert text in shown


def test_the_page_says_what_was_not_recorded(browser, tmp_path):
    response = sent(browser, [table(tmp_path / "scores.csv", bare())])
    shown = browser.get(response["Location"]).content.decode()
    assert shown.count("not recorded") >= 8
    assert "None" not in shown


@pytest.mark.parametrize(
    ("typed", "place", "said"),
    [
        ({"model": ""}, "model", "needed"),
        ({"model": "eval-suite:basics"}, "model", "is of the kind eval-suite"),
        ({"suite": "eval-suite:none"}, "suite", "There is no"),
        ({"suite": ""}, "suite", "Name a suite"),
        ({"new_suite": "more"}, "suite", "not both"),
        ({"suite": "", "new_suite": "more", "margin": "9"}, "margin", "needs its margin"),
        ({"filter": "loose"}, "form", "has no filter"),
        ({"format": "csv"}, "form", "A table is one file"),
        ({"once": ""}, "form", "was not made by this page"),
    ],
)
def test_a_complaint_stands_at_its_field(browser, tmp_path, typed, place, said):
    before = kept()
    response = sent(browser, lm_eval_files(tmp_path / "run", {"strict": SCORES}), **typed)
    assert response.status_code == 422
    assert said in errors(response)[place]
    assert kept() == before


def test_without_files_nothing_is_imported(browser):
    assert "takes 1 to" in errors(sent(browser, []))["form"]


def test_others_are_told_who_may(things, cast):
    for name in ("otto", "axel", "ravi", "mara"):
        client = Client()
        client.force_login(cast.users[name])
        for response in (client.get(PAGE), client.post(PAGE, {})):
            assert response.status_code == 403
            assert "This needs the group engineer" in response.content.decode()
        assert PAGE not in client.get("/versions/model:base@1/").content.decode()


@pytest.fixture
def ledgered(committed_db, tmp_path):
    comparison.by_digest.cache_clear()
    keys.generate()
    return builders.model(tmp_path), suite(tmp_path, items=20)


def test_evidence_says_imported_of_every_fact(ledgered, tmp_path):
    model, basics = ledgered
    import_evaluation(lm_eval_files(tmp_path / "run", {"strict": SCORES}), model, basics, actor=ADA)
    document = collect(model, settle().size)
    score = document.get("results.sums.score")
    assert (score.value, score.assurance) == ("0.7", "imported")
    of_charter = (
        ".recorded_by", ".suite_state", ".title", ".status", ".status_now", ".choosing_uses", ".suite_status", ".suite_uses",
    )  # fmt: skip
    told = [
        fact for fact in (*document.within("results"), *document.within("suites"), *document.within("reproducibility"))
        if not fact.is_empty and not fact.key.endswith(of_charter)
    ]  # fmt: skip
    assert len(told) >= 15
    assert {fact.assurance for fact in told} == {"imported"}
    assert document.get("reproducibility.1.harness_version").value == "0.4.13"


def test_an_import_never_stands_in_the_place_of_what_was_measured_here(ledgered, tmp_path):
    model, basics = ledgered
    evaluated(model, basics, tmp_path, {"sums": [1] * 10 + [0] * 10})
    import_evaluation(lm_eval_files(tmp_path / "run", {"strict": SCORES}), model, basics, actor=ADA)
    score = collect(model, settle().size).get("results.sums.score")
    assert (score.value, score.assurance) == ("0.5", "observed")


def test_a_comparison_with_an_import_is_as_sure_as_the_import(ledgered, tmp_path):
    model, basics = ledgered
    tuned = builders.trained(tmp_path, model, [builders.dataset(tmp_path)])
    for version, right in ((model, 10), (tuned, 18)):
        path = table(tmp_path / f"{version.artifact.slug}.csv", full(right=right))
        import_evaluation([path], version, basics, actor=ADA)
    fact = collect(tuned, settle().size).get("comparison.sums.difference")
    assert (fact.value, fact.assurance) == ("0.4", "imported")
