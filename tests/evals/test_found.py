"""What evaluation adds to the search: uses of suites, studies, canaries; never what is restricted, nor what raters must not know."""

import pytest
from django.test import Client

from evals import canaries, uses
from evals.human import actions
from evals.models import Canary, Study, SuiteUse
from governance.registry import index, search
from governance.registry.actions import register
from governance.releases.models import Runtime
from tests import builders
from tests.builders import ADA
from tests.cast import gather
from tests.evals.canarying import alarmed
from tests.evals.human.studies import best, build
from tests.evals.recorded import suite
from tests.releases.answering import chat


def found(query: str, **filters: str) -> list[str]:
    return [result.shown.address for result in search.find(query, **filters)[:50]]


def use(version, served: str, reason: str) -> SuiteUse:
    return uses.record(version, purpose="recipe", served=served, reason=reason, actor=ADA)


def test_a_use_is_found_by_its_reason_and_leads_to_its_suite(db, tmp_path):
    cast = gather()
    fresh = suite(tmp_path, "fresh", items=2)
    use(fresh, "model:tuned@2", "Chose the heliotrope learning rate.")
    assert found("heliotrope", kind="eval-suite") == ["/versions/eval-suite:fresh@1/#suite-uses"]
    assert found("recipe tuned", type="suite-use") == found("heliotrope")
    axel = Client()
    axel.force_login(cast.axel)
    shown = axel.get("/search/?q=heliotrope").content.decode()
    assert 'href="/versions/eval-suite:fresh@1/#suite-uses"' in shown
    assert 'id="suite-uses"' in axel.get("/versions/eval-suite:fresh@1/").content.decode()


@pytest.mark.parametrize("served", ["dataset:secret@1", "dataset:secret", "dataset:secret@9999999999"])
def test_a_use_that_serves_what_is_restricted_is_not_found(db, tmp_path, served):
    gather()
    content = {**builders.dataset(tmp_path).content, "description": "Secret."}
    register("dataset", "secret", content, restricted=True, actor=ADA)
    use(suite(tmp_path, "fresh", items=2), served, "Its heliotrope rows were left out.")
    assert found("heliotrope") == []
    index.rebuild()
    assert found("heliotrope") == []


def test_a_use_of_a_restricted_suite_is_not_found(db, tmp_path):
    gather()
    content = suite(tmp_path, "fresh", items=2).content
    hidden = register("eval-suite", "hidden", {**content, "title": "Hidden"}, restricted=True, actor=ADA)
    use(hidden, "model:tuned@2", "Chose by heliotrope.")
    assert found("heliotrope") == []


def test_a_study_tells_of_its_models_once_it_is_closed(db, tmp_path):
    world = build(tmp_path)
    study = world.open(question="Which answer is the kinder heliotrope?", needed=1)
    address = f"/evaluations/human/{study.pk}/"
    assert found("kinder heliotrope") == [address]
    assert found("compare house-raters", type="study") == [address]
    assert found("tuned", type="study") == [] == found("base", type="study")
    index.rebuild()
    assert found("tuned", type="study") == []
    world.rate(study, "ravi", best)
    actions.close(Study.objects.get(pk=study.pk), actor=ADA)
    assert found("tuned", type="study") == [address] == found("base", type="study")


def test_a_cancelled_study_is_found_by_why_and_never_by_its_models(db, tmp_path):
    study = build(tmp_path).open()
    actions.cancel(study, reason="The heliotrope question was unclear.", actor=ADA)
    assert found("heliotrope") == [f"/evaluations/human/{study.pk}/"]
    assert found("tuned", type="study") == []


def test_a_canary_is_found_where_it_asks_and_by_why_it_ended(committed_db, tmp_path):
    gather()
    chat()
    canary = alarmed(Runtime.objects.get(slug="chat"), tmp_path).canary
    address = "/runtimes/chat/#canaries"
    assert found("live api", type="canary") == [address]
    canaries.end(canary, reason="The heliotrope contract is over.", actor=ADA)
    assert found("heliotrope") == [address]
    assert search.find("heliotrope")[0].shown.state == Canary.ENDED
    index.rebuild()
    assert found("heliotrope") == [address]
