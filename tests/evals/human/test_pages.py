"""Studies in the browser: opened by a form, rated blind, closed; what a page shows to whom."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from evals.human import actions
from evals.models import Judgement, Rater, Study
from governance.ledger.models import Entry
from tests.builders import ADA
from tests.evals.human.studies import best
from tests.pages.forms import errors, opened

LIST, NEW = "/evaluations/human/", "/evaluations/human/new/"
TOKEN = re.compile(r'name="token" value="([0-9a-f]{32})"')


@pytest.fixture
def client_of(world):
    def client(name: str) -> Client:
        made = Client()
        made.force_login(world.cast.users[name])
        return made

    return client


def place(study: Study, verb: str = "") -> str:
    return f"{LIST}{study.pk}/{verb + '/' if verb else ''}"


def text_of(response) -> str:
    return response.content.decode()


def test_an_engineer_opens_a_study_with_the_form(world, client_of):
    ada = client_of("ada")
    form = opened(ada, f"{NEW}?a={world.good.pk}&b={world.poor.pk}")
    assert (form["a"], form["b"], form["needed"], form["margin"]) == (
        str(world.good.pk), str(world.poor.pk), "3", "0.1",
    )  # fmt: skip
    given = {
        **form,
        **world.names,
        "items": "4",
        "needed": "2",
        "dimension": "country",
        "margin": "0.15",
        "seed": "9",
    }
    response = ada.post(NEW, given, follow=True)
    study = Study.objects.get()
    assert response.redirect_chain[0][0] == place(study)
    assert (study.items, study.needed, study.dimension, study.margin, study.seed) == (
        4,
        2,
        "country",
        "0.15",
        9,
    )
    assert Entry.objects.get(object_type="evals.study").actor == "person:ada"
    assert ada.post(NEW, given, follow=True).redirect_chain[0][0] == place(study), "sent twice, opened once"
    assert Study.objects.count() == 1


def test_the_form_names_each_field_at_fault_and_opens_nothing(world, client_of):
    ada = client_of("ada")
    form = opened(ada, NEW)
    wrong = {
        **form,
        **world.names,
        "b": "model:none",
        "pool": "guideline:compare",
        "margin": "0.7",
        "needed": "x",
    }
    told = errors(ada.post(NEW, wrong))
    assert set(told) == {"form", "needed"}
    told = errors(ada.post(NEW, {**wrong, "needed": "3"}))
    assert set(told) == {"form", "b", "pool", "margin"}
    assert ada.post(NEW, {**form, "a": ""}).status_code == 422
    assert Study.objects.count() == 0


def test_only_engineers_and_reviewers_open_and_end_a_study(world, client_of):
    study = world.open()
    for name in ("polly", "mara", "axel", "otto"):
        client = client_of(name)
        assert client.get(NEW).status_code == 403
        for verb in ("close", "cancel"):
            assert client.post(place(study, verb), {"reason": "x"}).status_code == 403
    for name in ("axel", "otto"):
        assert client_of(name).post(place(study, "join")).status_code == 403
        assert client_of(name).get(place(study, "rate")).status_code == 403
    assert Study.objects.get().state == Study.OPEN


def test_a_rater_joins_rates_and_is_done(world, client_of):
    study, ravi = world.open(items=3, dimension="country"), client_of("ravi")
    assert "I do not want to say" in text_of(ravi.get(place(study)))
    page = ravi.post(place(study, "join"), {"group": "KE"}, follow=True)
    for done in range(3):
        said = text_of(page)
        assert f"{done} done, {3 - done} left for you" in said
        assert 'href="/versions/guideline:compare@1/"' in said
        token = TOKEN.search(said)[1]
        page = ravi.post(place(study, "rate"), {"token": token, "choice": "second"}, follow=True)
    assert "Nothing is left for you" in text_of(page)
    assert list(Judgement.objects.values_list("choice", flat=True)) == ["second"] * 3
    assert Rater.objects.get().group == "KE"


def test_reading_pages_gives_nobody_a_pair(world, client_of):
    study, ravi = world.open(), client_of("ravi")
    assert ravi.get(place(study, "rate"), follow=True).redirect_chain[0][0] == place(study)
    assert Rater.objects.count() == 0
    for verb in ("join", "close", "cancel"):
        assert ravi.get(place(study, verb)).status_code == 405


def test_the_raters_pages_tell_nothing_of_the_models(world, client_of):
    study, ravi = world.open(), client_of("ravi")
    ravi.post(place(study, "join"))
    pages = [ravi.get(address) for address in (LIST, place(study), place(study, "rate"))]
    secrets = (
        "tuned",
        "model:base",
        str(world.good.pk),
        str(world.poor.pk),
        study.pairs_sha256,
        "s000",
        "sums_",
    )
    for page in pages:
        for secret in secrets:
            assert secret not in text_of(page), (page.request["PATH_INFO"], secret)
    assert "model:tuned@1" in text_of(client_of("ada").get(place(study))), "who opened it knows"
    entry = Entry.objects.get(object_type="evals.study")
    assert "tuned" not in text_of(ravi.get(f"/ledger/objects/evals.study/{study.pk}/"))
    assert entry.parts["I"]


def test_before_it_is_closed_there_are_counts_and_no_results(world, client_of):
    study = world.open()
    world.rate(study, "ravi", best)
    for name in ("ada", "rosa", "otto"):
        said = text_of(client_of(name).get(place(study)))
        assert "6 of 12 judgements, by 1 rater." in said
        assert "Share of wins" not in said
        assert "Agreement" not in said


def test_closing_shows_results_and_both_models(world, client_of):
    study = world.open()
    for name in ("ravi", "eno"):
        world.rate(study, name, best)
    told = text_of(client_of("rosa").post(place(study, "close"), follow=True))
    assert "The study is closed" in told
    for said in ("model:tuned@1", "model:base@1", "12 judgements by 2 raters on 6 items", "undecided"):
        assert said in told
    panel = text_of(client_of("otto").get("/versions/model:base@1/"))
    assert "Compared by people" in panel
    assert place(study) in panel


def test_closing_early_without_a_reason_is_refused_on_the_page(world, client_of):
    study, ada = world.open(), client_of("ada")
    world.rate(study, "ravi", best)
    told = text_of(ada.post(place(study, "close"), follow=True))
    assert "6 of 12 judgements are given" in told
    assert "Closed before all judgements were given: Time." in text_of(
        ada.post(place(study, "close"), {"reason": "Time."}, follow=True)
    )


def test_a_wrong_token_or_choice_is_told_and_kept_nowhere(world, client_of):
    study, ravi = world.open(), client_of("ravi")
    ravi.post(place(study, "join"))
    token = TOKEN.search(text_of(ravi.get(place(study, "rate"))))[1]
    for given, said in (
        ({"token": "0" * 32, "choice": "first"}, "not the pair that you have"),
        ({"token": token, "choice": "left"}, "no choice"),
        ({"token": token}, "Choose one of the five"),
        ({"token": token, "choice": "skip", "reason": "bored"}, "Say why you skip"),
        ({"token": f"{token}\0", "choice": "skip\0"}, "Say why you skip"),
    ):
        assert said in text_of(ravi.post(place(study, "rate"), given, follow=True))
    assert Judgement.objects.count() == 0
    assert TOKEN.search(text_of(ravi.get(place(study, "rate"))))[1] == token


def test_who_may_not_rate_reads_why(world, client_of):
    study = world.open()
    assert "You opened this study" in text_of(client_of("ada").get(place(study)))
    told = client_of("ada").post(place(study, "join"), follow=True)
    assert "You opened this study" in text_of(told)
    assert Rater.objects.count() == 0


def test_what_is_not_there_is_404_and_nothing_grows_with_studies(world, client_of):
    otto = client_of("otto")
    gone = f"{LIST}00000000-0000-4000-8000-000000000000/"
    assert otto.get(gone).status_code == 404
    assert client_of("ravi").post(f"{gone}join/").status_code == 404
    counts = []
    for number in range(4):
        study = world.open(seed=number)
        otto.get(LIST)
        with CaptureQueriesContext(connection) as found:
            assert otto.get(LIST).status_code == 200
        counts.append(len(found))
    assert counts[0] == counts[3] <= 50
    with CaptureQueriesContext(connection) as found:
        otto.get(place(study))
    assert len(found) <= 50
    assert actions.cancel(study, reason="Enough.", actor=ADA).state == Study.CANCELLED
    assert "not named, since it was cancelled" in text_of(otto.get(place(study)))
