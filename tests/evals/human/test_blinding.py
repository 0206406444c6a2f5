"""While a study is open, the ledger's pages tell a rater no more of its models than its own pages do."""

from django.test import Client
from django.urls import reverse

from governance.ledger.settle import settle
from tests.evals.human.studies import build


def test_no_entry_of_an_open_study_tells_a_rater_which_models_it_compares(committed_db, tmp_path):
    world = build(tmp_path)
    study = world.open()
    settle()
    study.refresh_from_db()
    places = (
        reverse("entry", args=[study.ledger_head.leaf_index]),
        reverse("ledger-object", args=[study.ledger_type, study.pk]),
    )

    def told(name: str) -> str:
        client = Client()
        client.force_login(world.cast.users[name])
        return "".join(client.get(place).content.decode() for place in places)

    models = (world.tuned.subject, world.base.subject)
    assert not [one for one in models if one in told("eno")]
    assert all(one in told("ada") for one in models), "whoever opened it"
